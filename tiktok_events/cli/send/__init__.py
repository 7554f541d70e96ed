"""The command `tiktok-events send`."""
