"""The command `tiktok-events demo`."""
