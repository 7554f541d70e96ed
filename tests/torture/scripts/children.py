"""Track in children that end without atexit. argv: "multiprocessing" or "billiard", and how they start."""

import importlib
import sys

import tracked

background = tracked.background()


def work(name):
    for number in range(20):
        tracked.track(background, [f"{name}-{number}"])


if __name__ == "__main__":
    work("parent")
    processes = importlib.import_module(sys.argv[1]).get_context(sys.argv[2])
    children = [processes.Process(target=work, args=(f"child{number}",)) for number in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
