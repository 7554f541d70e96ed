"""A program that reports while it works: `track` returns at once, a thread delivers, `close` at the end.

The environment is that of `purchase.py`.
"""

import logging
import time

import tiktok_events as tt


def main() -> None:
    """Report a hundred purchases and print what it cost the caller."""
    logging.basicConfig(level=logging.WARNING)
    with tt.BackgroundClient(tt.Client(tt.EventSource.from_env())) as tiktok:
        start = time.perf_counter()
        for number in range(100):
            tiktok.track(
                tt.Event(
                    "Purchase",
                    key=f"order-{number}",
                    user={"email": f"customer-{number}@example.com", "external_id": number},
                    page={"url": "https://shop.example.com/thanks"},
                    properties={"value": 49.90, "currency": "EUR"},
                )
            )
        print(f"{(time.perf_counter() - start) * 10_000:.0f} us a call")
        left = tiktok.flush(timeout=10)
        print(f"{left} left; {tiktok.stats()}")


if __name__ == "__main__":
    main()
