"""The local Events Manager. Needs the extra `manager`."""
