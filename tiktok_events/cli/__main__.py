"""Entry point of `python -m tiktok_events.cli`, for when the script is not on the path."""

from tiktok_events.cli import main

main()
