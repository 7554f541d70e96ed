"""The command itself: help, version, and what it says where an extra is missing."""

from __future__ import annotations

import pytest


def test_without_click_it_says_what_to_install(run, tmp_path):
    """The core alone has no click: the command says so and ends with 2."""
    (tmp_path / "sitecustomize.py").write_text(_BLOCK.format(names="('click',)"))
    ran = run("--help", PYTHONPATH=_path(tmp_path))

    assert ran.returncode == 2
    assert "pip install 'tiktok-events[cli]'" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("command", ["manager", "demo"])
def test_without_the_manager_extra_it_says_so(run, tmp_path, command):
    """`manager` and `demo` need one extra more."""
    (tmp_path / "sitecustomize.py").write_text(_BLOCK.format(names="('uvicorn', 'starlette')"))
    ran = run(command, PYTHONPATH=_path(tmp_path))

    assert ran.returncode == 2
    assert "pip install 'tiktok-events[manager]'" in ran.stderr


@pytest.mark.parametrize("command", [(), ("demo",), ("manager",), ("send",), ("lint",)])
def test_help_helps(invoke, command):
    """Each command has help with examples that begin with the command."""
    result = invoke(*command, "--help", terminal_width=80)

    assert result.exit_code == 0
    assert f"  tiktok-events {' '.join(command)}" in result.output
    assert all(len(line) <= 80 for line in result.output.splitlines())


def test_version(run):
    """--version prints the version."""
    import tiktok_events as tt

    assert tt.__version__ in run("--version").stdout


_BLOCK = """
import importlib.abc, importlib.util, sys

find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in {names} else find_spec(name, package)
"""


def _path(folder):
    import os

    return os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
