"""Send every bad event of the suite between good lines: good lines are delivered, bad ones get a rule."""

from __future__ import annotations

import json

import pytest
from bad_inputs import CASES, GOOD, TIME

CASES_OF_LINES = [case for case in CASES if case.json]


@pytest.mark.parametrize("source", ["web", "app", "offline", "crm"])
def test_bad_lines_do_not_affect_good_lines(source, invoke, manager, tmp_path, rejected):
    """A bad line is rejected with a rule (the one the case names, if any), and every good line is delivered."""
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

    rejected_lines = {one["line"]: one for one in rejected(tmp_path / "events.jsonl.rejected.jsonl")}
    assert result.exit_code == 1
    assert manager.summary()["accepted"] == good
    assert manager.summary()["rejected"] == 0
    missing = [case.id for number, case in enumerate(cases) if 2 * number + 2 not in rejected_lines]
    assert not missing
    assert not [number for number in rejected_lines if number % 2]
    rules = {
        case.id: {one["rule"] for one in rejected_lines[2 * number + 2]["problems"]}
        for number, case in enumerate(cases)
    }
    assert not [case.id for case in cases if case.rule and case.rule not in rules[case.id]]
    assert "zzpii" not in result.output.lower()


def test_case_list_is_long():
    """The list of bad inputs is not empty by mistake."""
    assert len(CASES_OF_LINES) > 150
