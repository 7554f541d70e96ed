"""The watch over personal data sees what it must, and only that."""

import os
from pathlib import Path

import pytest

HEAD = """
import logging
import markers
from marker_hook import raises
import tiktok_events as tt
"""


@pytest.fixture
def outcome(pytester, monkeypatch):
    """Run a module of tests under the plugin; what came out."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("COLUMNS", "200")

    def run(body):
        pytester.makepyfile(HEAD + body)
        result = pytester.runpytest_subprocess(
            "-p", "marker_hook", "-p", "no:cacheprovider", "-W", "error", "--tb=line", "-rf"
        )
        return result.parseoutcomes(), result.stdout.str()

    return run


LEAKS = {
    "log message": ("logging.getLogger('x').debug('sent to %s', markers.EMAIL)", "a log record of x"),
    "log argument": ("logging.getLogger('x').debug('sent %.0s', markers.EMAIL)", "a log record of x"),
    "log of an exception": (
        "try: raise KeyError(markers.EMAIL)\n    except KeyError: logging.getLogger('x').exception('stumbled')",
        "a log record of x",
    ),
    "digest in a log": ("logging.getLogger('x').info(sorted(markers.DIGESTS)[0])", "a log record of x"),
    "caught exception": (
        "with raises(ValueError): raise ValueError(f'bad phone {markers.PHONE}')",
        "the text of a ValueError",
    ),
    "cause of an exception": (
        "with raises(ValueError): raise ValueError('bad') from KeyError(markers.EMAIL)",
        "the text of a ValueError",
    ),
    "escaped exception": ("raise TypeError(markers.FIRST_NAME)", "the text of a TypeError"),
    "living exception": ("kept += [tt.TransportError(markers.IP)]; kept.append(kept)", "the repr of a TransportError"),
    "repr of a public object": (
        "kept += [tt.EventResult(markers.EMAIL, 'delivered')]; kept.append(kept)",
        "the repr of a EventResult",
    ),
    "digest in a repr": (
        "kept += [tt.EventResult(tt.User(email=markers.EMAIL).email, 'delivered')]; kept.append(kept)",
        "the repr of a EventResult",
    ),
}


def test_a_leak_fails_the_test_it_happens_in(outcome):
    """Whether by log, exception, repr or digest; the report names the place and not the value."""
    bodies = [f"def test_{number}():\n    kept = []\n    {body}\n" for number, (body, _) in enumerate(LEAKS.values())]
    counts, told = outcome("\n".join(bodies))

    assert counts == {"failed": len(LEAKS)}
    for number, (name, (_, place)) in enumerate(LEAKS.items()):
        line = next(line for line in told.splitlines() if line.startswith("FAILED") and f"::test_{number} " in line)
        assert f"personal data shows in {place}" in line, name


def test_a_leak_while_a_fixture_ends_is_an_error(outcome):
    """What a background thread logs at its end counts too."""
    counts, _ = outcome(
        "import pytest\n"
        "@pytest.fixture\n"
        "def ending():\n    yield\n    logging.getLogger('x').info(markers.EMAIL)\n"
        "def test_leaks(ending):\n    pass\n"
    )

    assert counts == {"passed": 1, "errors": 1}


def test_innocent_tests_pass(outcome):
    """Personal data in use, out of sight, is what the package is for."""
    counts, _ = outcome(
        "def test_uses():\n"
        "    event = tt.Event('Purchase', user=markers.user())\n"
        "    logging.getLogger('x').info('%r', event)\n"
        "    with raises(TypeError): tt.Event('Purchase', key=None)\n"
    )

    assert counts == {"passed": 1}
