"""The table of the reference's items tells the truth: what passed, what did not, and what nobody answers."""

import os
from pathlib import Path

import pytest
from reference_table import ITEMS, PROGRAMS

ALL = ", ".join(repr(item) for item in ITEMS)


@pytest.fixture
def table(pytester, monkeypatch):
    """Run a module of tests with the table; the exit code, and what came out."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run(body, *options):
        pytester.makeini("[pytest]")  # its own root, wherever temporary folders are
        pytester.makepyfile(f"import pytest\n{body}")
        options = ("-p", "reference_table", "-p", "no:cacheprovider", "-W", "error", *options)
        result = pytester.runpytest_subprocess(*options)
        return int(result.ret), result.stdout.str() + result.stderr.str()

    return run


def test_every_item_answered_is_a_success(table):
    """Each item is printed with the test that answered it; `-m reference` leaves out what answers none."""
    answering = f"@pytest.mark.reference({ALL})\n@pytest.mark.parametrize('case', [1, 2])\ndef test_one(case): pass\n"
    code, told = table(answering + "def test_other(): assert False\n", "--reference-table", "-m", "reference")

    assert code == 0
    assert told.count("passed     2 test_every_item_answered_is_a_success.py::test_one") == len(ITEMS)
    assert "2 passed, 1 deselected" in told


def test_an_item_that_nobody_answers_is_a_failure(table):
    """Though every test passed; and it is named."""
    code, told = table("@pytest.mark.reference('8.5.3')\ndef test_one(): pass\n", "--reference-table")

    assert code == 1
    assert f"no test that passed answers 8.5.9: {ITEMS['8.5.9']}" in told
    assert "answers 8.5.3:" not in told


@pytest.mark.parametrize("body", ["pytest.skip('not here')", "pytest.xfail('not yet')"])
def test_a_test_that_was_skipped_answers_nothing(table, body):
    """What was not looked at was not shown."""
    code, told = table(f"@pytest.mark.reference({ALL})\ndef test_one(): {body}\n", "--reference-table")

    assert code == 1
    assert "skipped    1 test_a_test_that_was_skipped_answers_nothing.py::test_one" in told
    assert "no test that passed answers 8.5.3:" in told


def test_a_program_that_is_missing_is_no_failure(table, monkeypatch, tmp_path):
    """Node need not be there; the table shows that nothing answered."""
    monkeypatch.setenv("PATH", str(tmp_path))
    others = ", ".join(repr(item) for item in ITEMS if item not in PROGRAMS)
    code, told = table(f"@pytest.mark.reference({others})\ndef test_one(): pass\n", "--reference-table")

    assert code == 0
    assert f"{ITEMS['8.5.1b']}\n8.5.2a" in told


def test_an_item_that_does_not_exist_is_refused(table):
    """In any run: a typo would answer nothing for ever."""
    code, told = table("@pytest.mark.reference('8.5.99')\ndef test_one(): pass\n")

    assert code == 4
    assert "the reference has no item 8.5.99" in told


def test_without_the_option_there_is_no_table(table):
    """And every test runs."""
    code, told = table("@pytest.mark.reference('8.5.3')\ndef test_one(): pass\ndef test_other(): pass\n")

    assert code == 0
    assert "2 passed" in told
    assert "answer" not in told
