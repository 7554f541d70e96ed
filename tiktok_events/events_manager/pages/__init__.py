"""The pages and figures that the local Events Manager shows."""
