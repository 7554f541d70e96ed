"""Tests of help, version, and the message for a missing extra."""

from __future__ import annotations

import pytest


def test_missing_click_names_the_extra(run, tmp_path):
    """Without click, the command names the extra to install and exits with 2."""
    (tmp_path / "sitecustomize.py").write_text(_SITE_CUSTOMIZE.format(names="('click',)"))
    result = run("--help", PYTHONPATH=_python_path(tmp_path))

    assert result.returncode == 2
    assert "pip install 'tiktok-events[cli]'" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("command", ["manager", "demo"])
def test_missing_manager_extra_is_named(run, tmp_path, command):
    """`manager` and `demo` name the extra `manager` if it is missing."""
    (tmp_path / "sitecustomize.py").write_text(_SITE_CUSTOMIZE.format(names="('uvicorn', 'starlette')"))
    result = run(command, PYTHONPATH=_python_path(tmp_path))

    assert result.returncode == 2
    assert "pip install 'tiktok-events[manager]'" in result.stderr


@pytest.mark.parametrize("command", [(), ("demo",), ("manager",), ("send",), ("lint",)])
def test_help_has_examples(invoke, command):
    """The help of each command has examples and fits 80 columns."""
    result = invoke(*command, "--help", terminal_width=80)

    assert result.exit_code == 0
    assert f"  tiktok-events {' '.join(command)}" in result.output
    assert all(len(line) <= 80 for line in result.output.splitlines())


def test_version(run):
    """--version prints the version."""
    import tiktok_events as tt

    assert tt.__version__ in run("--version").stdout


_SITE_CUSTOMIZE = """
import importlib.abc, importlib.util, sys

find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in {names} else find_spec(name, package)
"""


def _python_path(folder):
    import os

    return os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
