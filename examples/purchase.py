"""Report one purchase and say what became of it.

tiktok-events manager        # in another terminal, or set TIKTOK_PIXEL_CODE and TIKTOK_ACCESS_TOKEN for the real one
export TIKTOK_API_URL=http://127.0.0.1:8765/open_api/v1.3 TIKTOK_PIXEL_CODE=C0EXAMPLE0EXAMPLE000 TIKTOK_ACCESS_TOKEN=local
python examples/purchase.py 1001
"""

import sys

import tiktok_events as tt


def purchase(number: str) -> tt.Event:
    """Make the event of an order, with amounts as TikTok wants them."""
    return tt.Event(
        "Purchase",
        key=f"order-{number}",
        user={
            "email": "anna@example.com",
            "phone": "+1 202 555 0143",
            "ip": "9.9.9.9",
            "user_agent": "Mozilla/5.0",
        },
        page={"url": "https://shop.example.com/thanks"},
        properties={
            "value": tt.from_minor_units(4990, "EUR"),
            "currency": "EUR",
            "content_type": "product",
            "contents": [{"content_id": "SKU-1", "price": 49.90, "quantity": 1}],
        },
    )


def main(number: str) -> int:
    """Send it; the exit code is 1 if it was refused."""
    try:
        with tt.Client(tt.EventSource.from_env()) as client:
            response = client.track(purchase(number))
    except tt.TikTokEventsError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{response}, event_id {response.results[0].event_id}, request_id {response.request_id}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "1001"))
