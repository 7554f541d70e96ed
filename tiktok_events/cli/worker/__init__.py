"""The command `tiktok-events worker`."""
