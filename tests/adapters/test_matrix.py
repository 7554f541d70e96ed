"""Adapters stay thin; their dependencies, the nox sessions and the contract name the same frameworks."""

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
    """The number of lines with code: not docstrings, comments and blank lines."""
    tree = ast.parse(text)
    strings = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    docstring_lines = {line for node in strings for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
    lines = enumerate(text.splitlines(), 1)
    return len([line for number, line in lines if number not in docstring_lines and line.split("#")[0].strip()])


def listed(name):
    """A list in the noxfile."""
    tree = ast.parse((ROOT / "noxfile.py").read_text("utf-8"))
    (found,) = [
        node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
    ]
    return ast.literal_eval(found)


def floors():
    """The oldest version of each framework that our distributions allow."""
    files = [ROOT / "pyproject.toml", *ROOT.glob("adapters/*/pyproject.toml")]
    projects = [tomllib.loads(path.read_text("utf-8"))["project"] for path in files]
    dependencies = [requirement for project in projects for requirement in project["dependencies"]]
    dependencies += projects[0]["optional-dependencies"]["fastapi"]
    return dict(
        re.fullmatch(r"([\w-]+)>=([\d.]+).*", requirement).groups()
        for requirement in dependencies
        if ">=" in requirement
    )


def test_code_lines():
    """Comments, blank lines and docstrings of modules, classes, functions and attributes do not count."""
    assert (
        code_lines(
            '"""A\n\nB."""\n\nx = 1  # why\n"""X."""\n# why\ndef f():\n    """F."""\n    return "not a docstring"\n'
        )
        == 3
    )


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT / "adapters")))
def test_an_adapter_is_thin(module):
    """An adapter has fewer than 90 lines of code; more code belongs into the core."""
    assert code_lines(module.read_text("utf-8")) < MOST_LINES


def test_every_framework_of_the_contract_has_nox_sessions():
    """And every session has a shop. The two without a framework run in every session."""
    assert {name for name, _ in listed("FRAMEWORKS")} == set(SHOPS) - {"asgi", "wsgi"}


def test_every_adapter_is_in_the_matrix():
    """Each folder is installed by a session."""
    folders = {f"./adapters/{path.parent.name}" for path in ROOT.glob("adapters/*/pyproject.toml")}

    assert folders == set(listed("EVERY_ADAPTER")) == {one for all_of in listed("ADAPTERS").values() for one in all_of}


@pytest.mark.parametrize("name", ["starlette", "fastapi", "flask"])
def test_the_oldest_allowed_version_is_tested(name):
    """Metadata and nox sessions agree."""
    tested = [version for framework, version in listed("FRAMEWORKS") if framework == name]

    assert floors()[name] == min(tested, key=lambda version: [int(part) for part in version.split(".")])
    assert len(tested) >= 2
