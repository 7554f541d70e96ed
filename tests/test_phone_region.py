"""Phone numbers without a country code: read by the rules of a region, or left out. Never a guess."""

from hashlib import sha256

import markers
import pytest

import tiktok_events as tt
from tiktok_events._events.normalize import phone as phone_module


def sha(text):
    """The digest of a literal."""
    return sha256(text.encode()).hexdigest()


def rules(user):
    """The rule ids of what was left out."""
    return [problem.rule for problem in user.problems]


@pytest.mark.parametrize("typed", ["0155 50100199", "(555) 010-0199", "5550100199", "0015550100199", 5550100199])
def test_without_a_region_it_is_left_out(typed):
    """The error says what is missing, and the rest of the visitor is sent."""
    user = tt.User(phone=typed, email=markers.EMAIL)

    assert user.phone is None
    assert user.email == sha(markers.EMAIL)
    assert rules(user) == ["phone-country-code"]


class TestWithThePackage:
    """The extra `phone` is installed."""

    @pytest.fixture(autouse=True)
    def _package(self):
        pytest.importorskip("phonenumbers")

    @pytest.mark.parametrize(
        ("typed", "region", "normalised"),
        [
            ("0155 50100199", "DE", "+4915550100199"),
            ("0155 50100199", " de ", "+4915550100199"),
            ("(213) 373-4253", "US", "+12133734253"),
            ("+12133734253", "DE", "+12133734253"),
            ("\uff10155 50100199", "DE", "+4915550100199"),
        ],
    )
    def test_a_region_reads_it(self, typed, region, normalised):
        """As somebody there would dial it; a country code in the number wins."""
        user = tt.User(phone=typed, phone_region=region)

        assert user.phone == sha(normalised)
        assert rules(user) == []

    def test_the_region_counts_for_every_number(self):
        """Also for a list."""
        user = tt.User(phone=["0155 50100199", "+15550100199"], phone_region="DE")

        assert user.phone == (sha("+4915550100199"), sha("+15550100199"))

    @pytest.mark.parametrize(
        ("typed", "region", "rule"),
        [
            ("0155 50100199", "XX", "phone-region-unknown"),
            ("0155 50100199", "Germany", "phone-region-unknown"),
            ("12", "DE", "phone-malformed"),
            ("0" * 30, "DE", "phone-malformed"),
        ],
    )
    def test_nonsense_is_left_out(self, typed, region, rule):
        """An unknown region is no region, and an impossible number is none anywhere."""
        user = tt.User(phone=typed, phone_region=region)

        assert user.phone is None
        assert rules(user) == [rule]


def test_without_the_package_the_error_says_how_to_install_it(monkeypatch):
    """The number is left out; numbers with a country code need no package."""
    monkeypatch.setitem(__import__("sys").modules, "phonenumbers", None)
    phone_module._phonenumbers.cache_clear()
    user = tt.User(phone=["0155 50100199", "+15550100199"], phone_region="DE")
    phone_module._phonenumbers.cache_clear()

    assert user.phone == sha("+15550100199")
    assert rules(user) == ["phone-package"]
    assert "pip install" in user.problems[0].fix


def test_a_region_that_is_no_text_is_a_mistake_in_code():
    """It raises."""
    with pytest.raises(TypeError, match="phone_region"):
        tt.User(phone="0155 50100199", phone_region=49)
