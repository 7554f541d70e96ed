"""The face of the package: its names, what importing costs, and the facts it is built on."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import tiktok_events as tt
from tiktok_events._spec import codes, currencies, names
from tiktok_events._spec import fields as facts

ROOT = Path(tt.__file__).parent
LAZY = ("ssl", "asyncio", "httpx", "httpcore", "tenacity", "sqlite3", "phonenumbers", "idna", "multiprocessing")
OPTIONAL = (
    "starlette",
    "flask",
    "fastapi",
    "django",
    "jinja2",
    "uvicorn",
    "click",
    "rich",
    "orjson",
    "phonenumbers",
    "redis",
)
CURRENCIES = """
AED ARS AUD BDT BHD BIF BOB BRL CAD CHF CLP CNY COP CRC CZK DKK DZD EGP EUR GBP GTQ HKD HNL HUF IDR ILS INR ISK JPY KES
KHR KRW KWD KZT MAD MOP MXN MYR NGN NIO NOK NZD OMR PEN PHP PKR PLN PYG QAR RON RUB SAR SEK SGD THB TRY TWD UAH USD VES
VND ZAR
"""
STANDARD = """
AddPaymentInfo AddToCart AddToWishlist ApplicationApproval CompleteRegistration Contact CustomizeProduct Download
FindLocation InitiateCheckout Lead Purchase Schedule Search StartTrial SubmitApplication Subscribe ViewContent
"""
APP = """
AchieveLevel AddPaymentInfo AddToCart AddToWishlist Checkout CompleteTutorial CreateGroup CreateRole GenerateLead
InAppADClick InAppADImpr InstallApp JoinGroup LaunchAPP LoanApplication LoanApproval LoanDisbursal Login Purchase Rate
Registration Search SpendCredits StartTrial Subscribe UnlockAchievement ViewContent
"""
RESERVED = """
AddBilling Browse Checkout ClickForm ClickInDownloadPage ClickToDownload Consult ConsultByPhone CompletePayment
Registration StartCheckout ViewConsultationPage ViewDownloadPage ViewForm
"""
KNOWN_CODES = """
0 20001 40000 40001 40002 40003 40006 40007 40008 40009 40010 40013 40014 40016 40050 40051 40061 40062 40063 40100
40101 40102 40104 40105 40106 40113 40117 40118 40119 40124 40125 40130 40132 40133 40202 40300 40301 40400 40700 41000
41001 41002 50000 50002 60001 61000
"""


def run(code, *options):
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, *options, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT.parent), "PATH": ""},
    )
    assert done.stderr == ""
    return done.stdout.strip()


def test_all_is_sorted_and_is_what_is_visible():
    """`dir` shows the names, the version, and nothing else."""
    assert tt.__all__ == sorted(tt.__all__)
    assert sorted(dir(tt)) == sorted([*tt.__all__, "__version__"])


@pytest.mark.parametrize("name", tt.__all__)
def test_every_name_is_there_and_documented(name):
    """In its own words, not its base's."""
    thing = getattr(tt, name)
    doc = thing.__doc__

    assert doc
    assert not doc.startswith(name + "(")
    if inspect.isclass(thing):
        assert doc not in [base.__doc__ for base in thing.__mro__[1:]]
        members = [value for key, value in vars(thing).items() if not key.startswith("_")]
        assert all(member.__doc__ for member in members if inspect.isfunction(member) or isinstance(member, property))


def test_the_imports_for_checkers_are_the_lazy_ones():
    """What a type checker sees is what `__getattr__` loads, and `__all__` promises."""
    tree = ast.parse((ROOT / "__init__.py").read_text())
    guarded, _ = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {one.name: node.module.removeprefix("tiktok_events.") for node in guarded.body for one in node.names}

    assert seen == tt._MODULE_OF
    assert sorted([*tt._MODULE_OF, *tt.errors.__all__]) == tt.__all__


def test_a_name_that_does_not_exist_is_an_attribute_error():
    """With the module's and the name's name."""
    with pytest.raises(AttributeError, match="'tiktok_events' has no attribute 'Evnt'"):
        _ = tt.Evnt


def test_importing_loads_nothing_heavy():
    """No TLS, event loop, HTTP client or retry library before it is used; nor for building and checking an event."""
    code = (
        "import sys, tiktok_events as tt\n"
        f"print([name for name in {LAZY} if name in sys.modules])\n"
        "event = tt.Event('Purchase', user={'email': 'zzpii@example.com'}, properties={'value': 1})\n"
        "tt.check(event, tt.EventSource.web('C0', 'token')); tt.encode(tt.EventSource.web('C0', 'token'), [event])\n"
        f"print([name for name in {LAZY} if name in sys.modules])\n"
    )

    assert run(code).splitlines() == ["[]", "[]"]


def test_the_core_works_without_any_extra():
    """Every framework and every optional package blocked: events are built, sent, queued and checked."""
    code = (
        "import sys\n"
        f"for name in {OPTIONAL}: sys.modules[name] = None\n"
        "import tiktok_events as tt\n"
        "for name in tt.__all__: getattr(tt, name)\n"
        "from tiktok_events.testing import FakeTikTok\n"
        "tiktok = FakeTikTok()\n"
        "event = tt.Event('Purchase', event_id='1', user={'phone': '0155 5010', 'phone_region': 'DE'})\n"
        "print([one.rule for one in event.user.problems] if event.user else [one.rule for one in event.problems])\n"
        "good = tt.Event('Purchase', event_id='1', user={'email': 'zzpii@\\u00fc.example'}, properties={'value': '46.00'})\n"
        "print(tiktok.client().track(good).ok)\n"
        "with tt.BackgroundClient(tiktok.client()) as background: background.track(good)\n"
        "print(tiktok.events[0]['properties'], len(tiktok.events))\n"
    )

    assert run(code).splitlines() == ["['phone-package']", "True", "{'value': 46.0} 2"]


def test_both_json_libraries_write_the_same():
    """Byte for byte, for everything an event holds."""
    from tiktok_events._runtime import json_codec

    pytest.importorskip("orjson")
    value = {
        "text": '\u00e9\u6771\u0000"\\\n\u2028',
        "number": 46.5,
        "integer": 2**53 - 1,
        "list": [None, True, {}],
        "tiny": 5e-7,
        "zero": -0.0,
    }

    assert json_codec.dumps_orjson(value).replace(b"5e-7", b"5e-07") == json_codec.dumps_stdlib(value)


def test_facts_are_the_references():
    """Counted, and compared with the lists as the reference prints them."""
    assert set(STANDARD.split()) == names.STANDARD_NAMES
    assert set(APP.split()) == names.APP_NAMES
    assert set(names.RESERVED_NAMES) == set(RESERVED.split())
    assert set(CURRENCIES.split()) == currencies.CURRENCIES
    assert set(codes.CODES) == set(map(int, KNOWN_CODES.split()))
    assert [
        len(one) for one in (names.STANDARD_NAMES, names.APP_NAMES, names.RESERVED_NAMES, currencies.CURRENCIES)
    ] == [18, 27, 14, 62]
    assert set(names.DEPRECATED_NAMES) == {"CompletePayment", "SubmitForm", "PlaceAnOrder", "ClickButton"}


@pytest.mark.parametrize(
    ("mapping", "known"),
    [
        (tt.UserFields, facts.USER),
        (tt.PageFields, facts.PAGE),
        (tt.PropertiesFields, facts.PROPERTIES),
        (tt.ContentFields, facts.CONTENT),
        (tt.AppFields, facts.APP_FIELDS),
        (tt.LeadFields, facts.LEAD),
        (tt.AdFields, facts.AD),
    ],
)
def test_mappings_have_the_keys_of_their_class(mapping, known):
    """So that a checker sees a typo wherever it is made."""
    keys = mapping.__annotations__.keys() - {"extra", "phone_region"}
    only_extra = {"description", "availability", "sale_price", "on_sale"}
    only_extra |= {"review_count", "average_rating", "weight", "weight_unit"}

    assert keys <= known.keys()
    assert known.keys() - keys == (only_extra if mapping is tt.ContentFields else set())


def test_what_a_tracker_takes_is_what_an_event_takes():
    """`track("Purchase", ...)` has the fields of `Event("Purchase", ...)`."""
    assert tt.EventFields.__annotations__.keys() == inspect.signature(tt.Event).parameters.keys() - {"event"}


@pytest.mark.parametrize("test", sorted(Path(__file__).parent.glob("test_*.py")), ids=lambda path: path.stem)
def test_tests_are_sentences(test):
    """Each has a docstring, no file is long, and nothing is patched or slept through."""
    text = test.read_text()
    tree = ast.parse(text)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]

    assert [one.name for one in functions if not ast.get_docstring(one)] == []
    assert "mock.patch" not in text.replace('"mock.patch"', "")
