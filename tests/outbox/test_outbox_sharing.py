"""What every outbox promises to those who share it: record_ids, threads, forked children."""

import threading

from records import FORKS_WITH_THREADS, ids, in_child, record, records


def test_receipts_tell_what_is_left(outbox, claim, give_back):
    """Claimed and given back is still there; delivered and dead is not. Nothing is asked of what only we can have."""
    record_ids = list(outbox.put(records(4)))
    if outbox.scope == "process":
        assert record_ids == []
        assert not outbox.undelivered(record_ids)
        return
    assert len(set(record_ids)) == 4
    assert set(outbox.undelivered(record_ids)) == set(record_ids)
    first, second, third, _ = claim(outbox)
    assert set(outbox.undelivered(record_ids)) == set(record_ids)
    outbox.ack([first])
    outbox.dead_letter([second], reason="x")
    give_back(outbox, [third])

    assert set(outbox.undelivered(record_ids)) == set(record_ids[2:])
    assert not outbox.undelivered(record_ids[:2])
    assert not outbox.undelivered([])


def test_any_number_of_receipts(outbox, claim):
    """Tens of thousands in one question."""
    record_ids = outbox.put(records(20_000))
    outbox.ack(claim(outbox, 1))

    assert len(outbox.undelivered(record_ids)) == max(0, len(record_ids) - 1)


def test_a_receipt_is_of_one_record(outbox, claim):
    """What is put later is something else, even if the outbox was empty in between."""
    record_ids = outbox.put([record(0)])
    outbox.ack(claim(outbox))
    later = outbox.put([record(0)])

    assert not outbox.undelivered(record_ids)
    assert set(outbox.undelivered([*record_ids, *later])) == set(later)


def test_closed_it_may_be_used_again(outbox, claim):
    """Nothing that was put is gone."""
    outbox.put(records(2))
    outbox.close()
    outbox.close()
    outbox.put([record(2)])

    assert ids(claim(outbox)) == ["e0", "e1", "e2"]
    outbox.close()
    assert outbox.depth() == 3


def test_those_who_share_it_see_the_same(kind, outbox, claim, give_back):
    """Who claims it decides; what one process has in memory no other one sees."""
    other = kind.outbox()
    record_ids = outbox.put(records(3))
    outbox.close()
    if outbox.scope == "process":
        assert other.depth() == 0
        return
    claims = claim(other, 2)

    assert ids(claims) == ["e0", "e1"]
    assert ids(claim(outbox)) == ["e2"]
    other.ack(claims[:1])
    give_back(other, claims[1:])
    assert outbox.depth() == other.depth() == 2
    assert ids(claim(outbox)) == ["e1"]
    assert set(outbox.undelivered(record_ids)) == set(other.undelivered(record_ids)) == set(list(record_ids)[1:])


def test_threads_share_it(outbox, claim):
    """Every record goes to exactly one claimer."""
    taken = []

    def work(number):
        outbox.put([record(f"{number}-{n}") for n in range(50)])
        while claims := claim(outbox, 7):
            taken.extend(ids(claims))
            outbox.ack(claims)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == len(set(taken)) == 400
    assert outbox.depth() == 0


@FORKS_WITH_THREADS
def test_a_forked_child_goes_on(outbox, claim):
    """With what is shared, and without what only its parent has; the parent goes on as well."""
    outbox.put([record(0)])
    outbox.depth()

    def work():
        outbox.put([record(1)])
        claims = claim(outbox)
        outbox.ack(claims)
        outbox.close()
        return ids(claims)

    seen = in_child(work)
    if outbox.scope == "process":
        assert seen == ["e1"]
        assert ids(claim(outbox)) == ["e0"]
    else:
        assert seen == ["e0", "e1"]
        assert outbox.depth() == 0
    outbox.put([record(2)])
    assert ids(claim(outbox)) == ["e2"]


@FORKS_WITH_THREADS
def test_what_a_child_claimed_is_the_parents_after_its_end(kind, outbox, claim):
    """At the latest when the lease is over; nothing of it is lost."""
    outbox.put(records(2))
    outbox.depth()
    in_child(lambda: len(claim(outbox)))
    kind.pass_time(31)

    assert ids(claim(outbox)) == ["e0", "e1"]
