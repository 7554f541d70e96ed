"""Every bad event of the suite as a line between good ones: the neighbours arrive, the bad one is explained."""

from __future__ import annotations

import json

import pytest
from bad_inputs import CASES, GOOD, TIME

CASES_OF_LINES = [case for case in CASES if case.json]


@pytest.mark.parametrize("source", ["web", "app", "offline", "crm"])
def test_bad_lines_leave_their_neighbours_alone(source, invoke, manager, tmp_path, rejected):
    """A bad line is kept with a rule (the case's own, where it names one), and every good line is delivered."""
    cases = [case for case in CASES_OF_LINES if case.source == source]
    lines, good = [], 0
    for number, case in enumerate(cases):
        lines += [
            json.dumps({**GOOD[source], "event_time": TIME, "event_id": f"good-{number}"}),
            json.dumps(case.fields),
        ]
        good += 1
    (tmp_path / "events.jsonl").write_text("\n".join(lines) + "\n")
    result = invoke("send", "events.jsonl", "--port", manager.url.rpartition(":")[2], "--source", source)

    kept = {one["line"]: one for one in rejected(tmp_path / "events.jsonl.rejected.jsonl")}
    assert result.exit_code == 1
    assert manager.summary()["accepted"] == good
    assert manager.summary()["rejected"] == 0
    missing = [case.id for number, case in enumerate(cases) if 2 * number + 2 not in kept]
    assert not missing
    assert not [number for number in kept if number % 2]
    told = {case.id: {one["rule"] for one in kept[2 * number + 2]["problems"]} for number, case in enumerate(cases)}
    assert not [case.id for case in cases if case.rule and case.rule not in told[case.id]]
    assert "zzpii" not in result.output.lower()


def test_there_are_many():
    """The list is long enough to mean something."""
    assert len(CASES_OF_LINES) > 150
