"""The command `tiktok-events lint`."""
