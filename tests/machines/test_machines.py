"""Web hosts put, worker hosts deliver, and the network between them is cut and restored at random."""

import heapq
import itertools
import signal
import time
from collections import Counter

from clocks import until
from network import CUTS, cuts_at_random
from shops_and_workers import PIXEL, SHOPS, TOKEN, WORKERS, stage

import tiktok_events as tt
from tiktok_events._api.encoding import encode_item
from tiktok_events.events_manager import running

SECONDS, LONGEST_CUT, RATE = 20, 4, 40
REQUESTS, LATENCY = 60, 0.1


def test_cables(tmp_path, dice, tell):
    """Links are cut and restored and workers killed: every event that was tracked is counted, and counted once."""
    begun, database = time.monotonic(), tmp_path / "manager.db"
    with stage(tmp_path) as made:
        made.tiktok("manager", database)
        for name in SHOPS:
            made.shop(name, RATE)
        for name in WORKERS:
            made.worker(name)
        until(lambda: all(f"{name}-" in made.tracked() for name in SHOPS))
        until(lambda: made.outbox.depth() == 0)
        story = Story(made, dice)
        story.plays()
        stopped = [made.stop(name) for name in SHOPS]
        until(lambda: made.outbox.depth() == 0, 60)
        dead = {letter.record.event_id for letter in made.outbox.dead()}
        for name in WORKERS:
            made.stop(name)
        said, tracked = made.told(), Counter(made.tracked().split())
    with running(db=database) as manager:
        received = manager.events()

    taken = Counter(event["event_id"] for event in received if event["code"] == 0)
    counted = Counter(event["event_id"] for event in received if event["counted"])
    missing = tracked.keys() - counted.keys() - dead
    everybody = [*story.stopped, *stopped]
    tell(
        "cables cut, workers killed",
        **story.cuts,
        kills=story.kills,
        tracked=len(tracked),
        spilled=sum(one["spilled"] for one in everybody),
        counted=len(counted),
        copies=taken.total() - len(taken),
        dead=len(dead),
        in_memory=sum(one["left"] for one in stopped),
        missing=len(missing),
        double=sum(times > 1 for times in counted.values()),
        slowest_track=f"{max(one['slowest'] for one in everybody) * 1000:.0f} ms",
        seconds=round(time.monotonic() - begun),
    )
    assert not missing
    assert max(counted.values()) == 1
    assert counted.keys() == tracked.keys()
    assert not dead
    assert not [name for name, text in said.items() if "Traceback" in text]
    assert [one["left"] for one in stopped] == [0] * len(SHOPS)
    # What the story is about has happened: much was tracked, in the dark too, and workers died.
    assert len(tracked) > len(SHOPS) * RATE * SECONDS / 2
    assert story.stopped[0]["left"]
    assert story.kills
    # Who waits for a connection, or for an answer, waits for 3 s or more.
    assert max(one["slowest"] for one in everybody) < 2


class Story:
    """What happens to cables and processes, and when, all of it told by the dice beforehand."""

    def __init__(self, made, dice):
        self.stage = made
        self.cuts, self.kills, self.stopped = Counter(dict.fromkeys(CUTS, 0)), 0, []
        self._order, self._buried = itertools.count(), Counter()
        self._events = []
        dark = dice.choice(SHOPS)
        cables = [name for name in made.network.hosts if name != dark]
        for cut in cuts_at_random(dice, cables, SECONDS, longest=LONGEST_CUT):
            self._at(cut.begins, self._cut, cut.host, cut.kind)
            self._at(cut.ends, self._mend, cut.host, cut.kind)
        at = 0.0
        while (at := at + dice.uniform(1, 4)) < SECONDS:
            self._at(at, self._kill, dice.choice(WORKERS))
        at = dice.uniform(1, 4)
        self._at(at, self._cut, dark, "unplugged")
        self._at(at + 1.5, made.tell_to_end, dark)
        self._at(SECONDS - 5, self._starts_again, dark)

    def plays(self):
        """From beginning to end."""
        begun = time.monotonic()
        while self._events:
            at, _, happens, words = heapq.heappop(self._events)
            time.sleep(max(0, begun + at - time.monotonic()))
            happens(*words)

    def _at(self, seconds, happens, *words):
        heapq.heappush(self._events, (seconds, next(self._order), happens, words))

    def _cut(self, name, kind):
        self.cuts[kind] += 1
        self.stage.network.cut(self.stage.network[name], kind)

    def _mend(self, name, kind):
        self.stage.network.mend(self.stage.network[name], kind)

    def _kill(self, name):
        if self.stage.programs[name].told().count("Source") == self._buried[name]:
            return  # it is not yet born
        self.kills += 1
        self._buried[name] += 1
        self.stage.programs[name].kill()
        self.stage.worker(name)

    def _starts_again(self, name):
        """A web process was told to end while its host was cut off: what it could not hand on is in the spill."""
        self.stopped.append(self.stage.end(name))
        self._mend(name, "unplugged")
        self.stage.shop(name, RATE)


def test_a_second_worker(tmp_path, tell):
    """Where the endpoint's answer is what takes time, it halves the time that a backlog takes."""
    rounds = []
    with stage(tmp_path) as made:
        made.tiktok(str(LATENCY), tmp_path / "arrived")
        for name in WORKERS:
            made.worker(name, "--in-flight", "1", "--lease", "30")
        backlog = Backlog(made, tmp_path / "arrived")
        backlog.warms_up()
        # Whatever else the machine is busy with only ever makes a time longer, and the shorter one by a larger part.
        while len(rounds) < 3 and not any(both < 0.55 * alone for alone, both in rounds):
            rounds.append((backlog.drained_by(WORKERS[:1]), backlog.drained_by(WORKERS)))
        assert not made.outbox.dead()
        for name in WORKERS:
            made.stop(name)
    alone, both = min(rounds, key=lambda one: one[1] / one[0])
    tell(
        "a second worker",
        requests=REQUESTS,
        events=REQUESTS * 1000,
        an_answer_takes=f"{LATENCY * 1000:.0f} ms",
        one_worker=f"{alone:.2f} s",
        two_workers=f"{both:.2f} s",
        ratio=f"{both / alone:.2f}",
        rounds=len(rounds),
    )

    assert alone >= REQUESTS * LATENCY
    assert both < 0.65 * alone


class Backlog:
    """Events that wait in Redis, and how long they take from the first request to the last answer."""

    def __init__(self, made, arrived):
        self.stage, self._arrived = made, arrived
        arrived.touch()
        source = tt.EventSource.web(PIXEL, TOKEN)
        events = (encode_item(source, tt.Event("Purchase", event_id=f"e{n}")) for n in range(REQUESTS * 1000))
        records = [tt.Record(*source.route, *item) for item in events]
        self._batches = [records[at : at + 1000] for at in range(0, len(records), 1000)]

    def warms_up(self):
        """Every worker has delivered something, so that all it needs is imported and open."""
        while len({client for _, _, client, *_ in self._requests()}) < len(WORKERS):
            self._put(4, WORKERS)

    def drained_by(self, names):
        """Seconds that the workers of these hosts take; the others stand still."""
        requests = self._put(REQUESTS, names)
        ids = Counter(itertools.chain.from_iterable(ids for _, _, _, *ids in requests))

        assert len(requests) == REQUESTS
        assert len(ids) == ids.total() == REQUESTS * 1000
        assert {client for _, _, client, *_ in requests} == {self.stage.network[name].address for name in names}
        return max(float(ended) for _, ended, *_ in requests) - min(float(begun) for begun, *_ in requests)

    def _put(self, number, names):
        """Put so many requests' worth before anybody delivers; the requests that come of it."""
        before = len(self._requests())
        self._send(signal.SIGSTOP, WORKERS)
        for batch in self._batches[:number]:
            self.stage.outbox.put(batch)
        self._send(signal.SIGCONT, names)
        until(lambda: self.stage.outbox.depth() == 0, 60)
        self._send(signal.SIGCONT, WORKERS)
        return self._requests()[before:]

    def _send(self, number, names):
        for name in names:
            self.stage.programs[name].send(number)

    def _requests(self):
        return [line.split() for line in self._arrived.read_text("ascii").splitlines()]
