"""Adapters stay thin, and what they ask for, what nox tests and what the contract covers are one list."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
from contract_apps import SHOPS

ROOT = Path(__file__).parents[2]
MODULES = sorted(ROOT.glob("adapters/*/tiktok_events_*/**/*.py"))
MOST_LINES = 90


def code_lines(text):
    """How many lines of a module hold code: no docstring, no comment, none that is blank."""
    tree = ast.parse(text)
    strings = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    told = {line for node in strings for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
    lines = enumerate(text.splitlines(), 1)
    return len([line for number, line in lines if number not in told and line.split("#")[0].strip()])


def listed(name):
    """A list of data in the noxfile."""
    tree = ast.parse((ROOT / "noxfile.py").read_text("utf-8"))
    (found,) = [
        node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
    ]
    return ast.literal_eval(found)


def floors():
    """The oldest version of each framework that a distribution of ours asks for."""
    files = [ROOT / "pyproject.toml", *ROOT.glob("adapters/*/pyproject.toml")]
    projects = [tomllib.loads(path.read_text("utf-8"))["project"] for path in files]
    asked = [one for project in projects for one in project["dependencies"]]
    asked += projects[0]["optional-dependencies"]["fastapi"]
    return dict(re.fullmatch(r"([\w-]+)>=([\d.]+).*", one).groups() for one in asked if ">=" in one)


def test_lines_of_code_are_counted_as_said():
    """Comments, blank lines and docstrings of modules, classes, functions and attributes are none."""
    assert (
        code_lines(
            '"""A\n\nB."""\n\nx = 1  # why\n"""X."""\n# why\ndef f():\n    """F."""\n    return "not a docstring"\n'
        )
        == 3
    )


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT / "adapters")))
def test_an_adapter_is_thin(module):
    """A translation takes fewer than 90 lines of code; what is longer belongs into the core."""
    assert code_lines(module.read_text("utf-8")) < MOST_LINES


def test_every_framework_of_the_contract_has_its_cells():
    """And every cell has a shop. The two without a framework run with the tests of every session."""
    assert {name for name, _ in listed("FRAMEWORKS")} == set(SHOPS) - {"asgi", "wsgi"}


def test_every_adapter_is_in_the_matrix():
    """Each folder is installed by some cell."""
    folders = {f"./adapters/{path.parent.name}" for path in ROOT.glob("adapters/*/pyproject.toml")}

    assert folders == set(listed("EVERY_ADAPTER")) == {one for all_of in listed("ADAPTERS").values() for one in all_of}


@pytest.mark.parametrize("name", ["starlette", "fastapi", "flask"])
def test_the_oldest_version_asked_for_is_tested(name):
    """Metadata and matrix cannot drift apart."""
    tested = [version for framework, version in listed("FRAMEWORKS") if framework == name]

    assert floors()[name] == min(tested, key=lambda version: [int(part) for part in version.split(".")])
    assert len(tested) >= 2
