"""The command line, `tiktok-events`. Needs the extra `cli`."""
