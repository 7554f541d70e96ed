"""Two web hosts track the same orders again and again while they are killed: now, 3 days and 27 days later."""

import time
from collections import Counter

from clocks import until
from shops_and_workers import WORKERS, stage

from tiktok_events.events_manager import running

DAY = 86_400
ORDERS, KILLS = 300, 3
HOSTS = ("web1", "web2")


def test_a_key_of_two_hosts_counts_once(tmp_path, dice, tell):
    """Hosts die between the put and its answer, a cable is pulled, workers die: nothing is missing or sent again."""
    database = tmp_path / "manager.db"
    with stage(tmp_path) as made:
        story = Repeats(made, dice)
        made.tiktok("manager", database)
        for name in WORKERS:
            made.worker(name)
        sent = []
        for days in (0, 3, 27):
            story.plays(days)
            until(lambda: made.outbox.depth() == 0, 60)
            sent.append(events(database).total())
        dead = made.outbox.dead()
        for name in WORKERS:
            made.stop(name)
        said = made.told()
    counted = events(database, "counted")
    tell(
        "one key on two hosts",
        orders=ORDERS,
        kills=story.kills,
        cuts=story.cuts,
        sent_at_first=sent[0],
        sent_after_3_days=sent[1] - sent[0],
        sent_after_27_days=sent[2] - sent[1],
        missing=ORDERS - len(counted),
        double=sum(times > 1 for times in counted.values()),
    )

    assert len(counted) == ORDERS
    assert max(counted.values()) == 1
    assert sent == [sent[0]] * 3
    assert not dead
    assert story.kills == 3 * KILLS
    assert not [name for name, text in said.items() if "Traceback" in text]


def events(database, only="code"):
    """How often each event id was received, or counted."""
    with running(db=database) as manager:
        received = manager.events()
    return Counter(event["event_id"] for event in received if (only == "code" or event[only]))


class Repeats:
    """Processes on two hosts that track every order, killed at random; at the end one on each that is not."""

    def __init__(self, made, dice):
        self._stage, self._dice = made, dice
        self._begun, self._offset = made.folder / "begun", made.folder / "offset"
        self._begun.touch()
        self._offset.write_text("0", "ascii")
        self.kills = self.cuts = self._started = 0

    def plays(self, days):
        """The same webhooks, so many days after the first."""
        self._offset.write_text(str(days * DAY), "ascii")
        for turn in range(KILLS):
            for host in HOSTS:
                self._starts(host)
            if turn == KILLS // 2:
                self._pulls_a_cable()
            time.sleep(self._dice.uniform(0, 0.5))
            victim, other = self._dice.sample(HOSTS, 2)
            self._stage.programs[victim].kill()
            self.kills += 1
            self._stage.end(other)
            worker = self._dice.choice(WORKERS)
            self._stage.programs[worker].kill()
            self._stage.worker(worker)
        for host in HOSTS:
            self._starts(host)
        for host in HOSTS:
            self._stage.end(host)

    def _starts(self, host):
        self._started += 1
        name = f"{host}-{self._started}"
        self._stage.repeats(host, ORDERS, name, self._begun, self._offset)
        until(lambda: name in self._begun.read_text("ascii").split())

    def _pulls_a_cable(self):
        host = self._stage.network[self._dice.choice(HOSTS)]
        self.cuts += 1
        self._stage.network.cut(host, "unplugged")
        time.sleep(self._dice.uniform(0.2, 0.6))
        self._stage.network.mend(host, "unplugged")
