"""`nox -s live`: one event to each event source the environment names, at the real TikTok, into the Test Events tab.

Not part of the tests: it needs `TIKTOK_ACCESS_TOKEN`, `TIKTOK_TEST_EVENT_CODE`, and the id of at least one source.
"""

from __future__ import annotations

import os
import sys
import time

import tiktok_events as tt

IDS = {
    "web": "TIKTOK_PIXEL_CODE",
    "app": "TIKTOK_APP_ID",
    "offline": "TIKTOK_OFFLINE_EVENT_SET_ID",
    "crm": "TIKTOK_CRM_EVENT_SET_ID",
}
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
WHO = {"email": "live-test@example.com", "phone": "+12133734253"}
HERE = {"ip": "8.8.8.8", "user_agent": AGENT}
CONTENTS = [{"content_id": "LIVE-1", "content_name": "Live test", "price": 1.5, "quantity": 2}]
BOUGHT = {"value": 3.0, "currency": "USD", "content_type": "product", "contents": CONTENTS}


def events() -> dict[str, tt.Event]:
    """One event for each kind of source, happening now."""
    now = time.time()
    return {
        "web": tt.Event(
            "Purchase",
            user={**WHO, **HERE, "external_id": "live-test"},
            page={"url": "https://shop.example.com/thanks", "referrer": "https://shop.example.com/"},
            properties={**BOUGHT, "order_id": "LIVE-TEST"},
        ),
        "app": tt.Event(
            "Purchase",
            user={**WHO, **HERE, "gaid": "cdda802e-fb9c-47ad-9866-0794d394c912"},
            app={"app_id": os.environ.get("TIKTOK_APP_STORE_ID", "com.example.live")},
            properties=BOUGHT,
        ),
        "offline": tt.Event("Purchase", event_time=now, user=WHO, properties=BOUGHT),
        "crm": tt.Event(
            "Lead",
            event_time=now,
            user=WHO,
            lead={"lead_id": os.environ.get("TIKTOK_LEAD_ID", ""), "lead_event_source": "live test"},
        ),
    }


def main() -> int:
    """Send, print, and answer with the exit code: 1 if TikTok refused anything."""
    kinds = [kind for kind, variable in IDS.items() if os.environ.get(variable)]
    if not kinds:
        print(f"SKIPPED: no event source. Set {', '.join(IDS.values())}: one or several, with TIKTOK_ACCESS_TOKEN.")
        return 0
    if not os.environ.get("TIKTOK_TEST_EVENT_CODE"):
        print(
            "REFUSED: set TIKTOK_TEST_EVENT_CODE (Events Manager > Test Events). Without it these would be real events."
        )
        return 2
    refused = [kind for kind in kinds if not _send(kind)]
    print(
        "\nLook at Events Manager > the event source > Test Events, within 5 minutes: each event with its parameters."
    )
    print("web should list e-mail, phone, external id, IP and user agent, one item, and a value of 3.00 USD.")
    print("A parameter that is missing there was not understood, even where the code is 0.")
    return 1 if refused else 0


def _send(kind: str) -> bool:
    print(f"\n{kind}")
    try:
        source = tt.EventSource.from_env(kind)
        with tt.Client(source, retry=tt.RetryPolicy(attempts=2)) as client:
            event = events()[kind]
            for problem in tt.check(event, source):
                print(f"  {problem.severity}: {problem}")
            response = client.track(event)
    except tt.TikTokEventsError as error:
        print(f"  {type(error).__name__}: {error}")
        for result in error.response.results if error.response else ():
            print(f"  code {result.code}, request_id {result.request_id or '-'}, event_id {result.event_id}")
        return False
    print(f"  code {response.code}, message {response.message}, request_id {response.request_id}")
    print(f"  event_id {response.results[0].event_id}: {response.results[0].status}")
    return response.ok


if __name__ == "__main__":
    sys.exit(main())
