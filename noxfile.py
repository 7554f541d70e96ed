"""Everything that checks this project. `uvx nox` runs what a change must pass, `uvx nox -l` lists the rest."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "coverage", "contract", "tests_bare", "tests", "adapters"]

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
NEXT_PYTHON = "3.14"
"""Tested where the machine has it; not supported yet."""

CODE = ["tiktok_events", "adapters", "tests", "docs", "examples", "noxfile.py", "README.md"]
MAX_LINES = 300
CHROMIUM = Path("/usr/bin/chromium")

# Oldest supported, what people still run, newest; one of those without an adapter. Add a line to support a version.
FRAMEWORKS = [
    ("starlette", "0.37"),
    ("starlette", "0.49"),
    ("starlette", "1.10"),
    ("fastapi", "0.115"),
    ("fastapi", "0.165"),
    ("flask", "2.3"),
    ("flask", "3.0"),
    ("flask", "3.1"),
    ("litestar", "2.25"),
    ("quart", "0.22"),
    ("bottle", "0.13"),
]
ADAPTERS = {"starlette": ["./adapters/starlette"], "fastapi": ["./adapters/starlette"], "flask": ["./adapters/flask"]}
EVERY_ADAPTER = ["./adapters/flask", "./adapters/starlette"]

# Without the workspace's sources the wheel is installed, not the checkout; and with a safe path `python -m` does not
# put the checkout in front of it again.
AS_SHIPPED = {"UV_NO_SOURCES": "1", "PYTHONSAFEPATH": "1"}
FULL = {**AS_SHIPPED, "TIKTOK_EVENTS_FULL": "1"}  # every test, with all generated examples
PARALLEL = ["-n", "2"]  # continuous integration has two cores


def install(session: nox.Session, group: str, extras: str = "", *others: str) -> None:
    """Install the package as its users get it, *others* and a dependency group beside it."""
    needed = nox.project.dependency_groups(PROJECT, group)
    session.install(f".[{extras}]" if extras else ".", *others, *needed, env=AS_SHIPPED)


@nox.session(python=[*PYTHONS, *([NEXT_PYTHON] if shutil.which(f"python{NEXT_PYTHON}") else [])])
def tests(session: nox.Session) -> None:
    """Run the tests with every extra there, and Flask for the demo's shop."""
    install(session, "values", "cli,fast,manager,phone,redis", "./adapters/flask")
    session.run("python", "-m", "pytest", *PARALLEL, *session.posargs, env=FULL)


@nox.session
def coverage(session: nox.Session) -> None:
    """Count what the tests of the core cover of it; under 95 % fails. The other tests would only run slower."""
    install(session, "values", "cli,fast,manager,phone,redis")
    env = {**FULL, "COVERAGE_FILE": str(Path(session.create_tmp()) / "coverage")}
    core = ["--ignore=tests/cli", "--ignore=tests/events_manager"]
    session.run("coverage", "erase", env=env)
    session.run("coverage", "run", "-m", "pytest", *PARALLEL, *core, *session.posargs, env=env)
    session.run("coverage", "combine", "--quiet", env=env)
    session.run("coverage", "report", *(["--fail-under=0"] if session.posargs else []), env=env)


@nox.session(python=PYTHONS[0])
def tests_bare(session: nox.Session) -> None:
    """Run the tests without any extra: what needs one is skipped, and the core needs none."""
    install(session, "tests")
    session.run("python", "-m", "pytest", *PARALLEL, *session.posargs, env=FULL)


@nox.session
def contract(session: nox.Session) -> None:
    """Test the web half with every adapter and the manager, and print which test answers which item of its reference."""
    install(session, "contract", "manager,phone", *EVERY_ADAPTER)
    tests = ["tests/web", "tests/adapters", "--reference-table"]
    session.run("python", "-m", "pytest", *tests, *session.posargs, env=FULL)


@nox.session(python=PYTHONS[0])
@nox.parametrize(("framework", "version"), FRAMEWORKS, ids=[f"{name}-{version}" for name, version in FRAMEWORKS])
def adapters(session: nox.Session, framework: str, version: str) -> None:
    """Test one adapter, as a wheel, or a plain middleware, against one version of a framework, and nothing else."""
    install(session, "adapters", "phone", *ADAPTERS.get(framework, []), f"{framework}~={version}.0")
    tests = ["tests/adapters", "--framework", framework]
    session.run("python", "-m", "pytest", *tests, *session.posargs, env=FULL)


@nox.session
def browser(session: nox.Session) -> None:
    """Try the pixel's stand-in and whole shops in a real Chromium, the system's own."""
    if not CHROMIUM.exists():
        message = f"{CHROMIUM} is missing, so the browser tests cannot run"
        if os.environ.get("CI"):
            session.error(message)
        session.skip(message)
    install(session, "browser", "cli,manager,phone", *EVERY_ADAPTER)
    env = {**AS_SHIPPED, "TIKTOK_EVENTS_BROWSER": "1"}
    session.run("python", "-m", "pytest", "tests/browser", *session.posargs, env=env)


@nox.session
def torture(session: nox.Session) -> None:
    """Kill, fork, fill, starve and cut off real processes, and count what arrives. `-- --long`, `-- --peers`."""
    install(session, "torture", "cli,manager,redis")
    env = {**AS_SHIPPED, "TIKTOK_EVENTS_TORTURE": "1"}
    if "--peers" in session.posargs:
        session.install(*nox.project.dependency_groups(PROJECT, "peers"))
    # More at once than there are cores: most of the time is spent waiting.
    session.run("python", "-m", "pytest", "tests/torture", "-n", "4", "--maxschedchunk", "1", *session.posargs, env=env)
    session.run("python", "-m", "pytest", "tests/resilience", "-m", "slow", "-n", "2", env=env)
    hosts = [one for one in session.posargs if one != "--peers"]
    session.run("python", "-m", "pytest", "tests/machines", *hosts, env=env)


@nox.session
def deployment(session: nox.Session) -> None:
    """Try the recipes of docs/how-to/deployment.md with real servers and schedulers; about two minutes."""
    install(session, "deployment", "cli,redis", "./adapters/flask")
    env = {**AS_SHIPPED, "TIKTOK_EVENTS_DEPLOYMENT": "1"}
    session.run("python", "-m", "pytest", "tests/deployment", *session.posargs, env=env)


@nox.session
def types(session: nox.Session) -> None:
    """Check the types, the adapters' too: mypy decides, basedpyright is the second opinion."""
    install(session, "types", "cli,fast,manager,phone,redis", *EVERY_ADAPTER)
    session.run("mypy", *session.posargs)
    # By itself it would look into the .venv that `uv run` leaves here.
    session.run("basedpyright", "--pythonpath", f"{session.bin}/python", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, imports and file lengths. `uvx nox -s lint -- --fix` fixes style."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    there = [path for path in CODE if Path(path).exists()]
    session.run("ruff", "check", *session.posargs, *there)
    session.run("ruff", "format", *([] if "--fix" in session.posargs else ["--check"]), *there)
    adapters = [path.removeprefix("./") for path in EVERY_ADAPTER]
    session.run("lint-imports", "--no-cache", "--no-logo", env={"PYTHONPATH": os.pathsep.join(adapters)})
    long = [
        path for path in Path("tiktok_events").rglob("*.py") if len(path.read_text("utf-8").splitlines()) > MAX_LINES
    ]
    if long:
        session.error(f"more than {MAX_LINES} lines, split it: {', '.join(map(str, long))}")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation into docs/_build/html; a warning is an error."""
    install(session, "docs", "cli,manager")
    session.run(
        "sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html", *session.posargs, env=AS_SHIPPED
    )


@nox.session
def bench(session: nox.Session) -> None:
    """Print our times beside their budgets and our peers'; about six minutes. `-- middleware` picks a topic."""
    needed = nox.project.dependency_groups(PROJECT, "bench")
    session.install(".[fast,phone,redis]", "./adapters/flask", "./adapters/starlette", *needed, env=AS_SHIPPED)
    session.run("python", "tests/bench", *session.posargs, env=AS_SHIPPED)


@nox.session(python=PYTHONS[0])
def fuzz(session: nox.Session) -> None:
    """Fuzz everything that reads what strangers, peers and files say, for ten minutes. `-- --seconds 3600`, `-- --only URL`."""
    install(session, "fuzz", "cli,manager,phone")
    session.run("python", "tests/fuzz/run.py", *session.posargs, env=AS_SHIPPED)


@nox.session
def live(session: nox.Session) -> None:
    """Send one test event to each event source the environment names, to the real TikTok."""
    session.install(".", env=AS_SHIPPED)
    session.run("python", "tests/live", *session.posargs, env=AS_SHIPPED)
