"""Track in children of multiprocessing, which end without atexit. argv: address, start method."""

import multiprocessing
import sys

import tiktok_events as tt

background = tt.BackgroundClient(tt.Client(tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "token"), base_url=sys.argv[1]))


def work(name: str) -> None:
    background.track(*(tt.Event("Purchase", event_id=f"{name}-{number}") for number in range(20)))


if __name__ == "__main__":
    work("parent")
    context = multiprocessing.get_context(sys.argv[2])
    children = [context.Process(target=work, args=(f"child{number}",)) for number in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
