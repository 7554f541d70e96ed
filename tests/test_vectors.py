"""TikTok's own test vectors. The digests are the reference's, never our own output."""

import hashlib

import pytest

import tiktok_events as tt

VECTORS = [
    ("email", " ALICE_abc@gmail.com ", "848a771458438fc2ec420560d769fb9b9b86851ee338ec56517baabd79d3bb4f"),
    ("phone", "(+1)2133734253", "9f7ec22d72092cd3c0b58726ed9c2d91b92e51a3f29837508fb2948bb22dd2fd"),
    ("external_id", "user_123", "80fba0ae1c48e3978e43e4efc365e14e12ea0c830ba8ba5b9a2dafc7e3f2ab8b"),
    (
        "idfa",
        "EA7583CD-A667-48BC-B806-42ECB2B48606",
        "70574fa9c8f498a7b2e5c8712b1126de7b1406fd02fdc591821c5bd33092fd1c",
    ),
    ("gaid", "aaaaaa-2222-1111-8787-809e92233ba0", "0ebad966881e1eebffe69b3abf624631cf83ec9bf8cb3ce134c7c75c6d8ee7fc"),
    ("first_name", "Jane", "81f8f6dde88365f3928796ec7aa53f72820b06db8664f5fe76a7eb13e24546a2"),
    ("zip_code", "95110", "383f7fffd99f3b1c3066086bcf991eae7ad543589d12bd792ecb6dc8b5acebc1"),
    ("zip_code", "M5V 3L9", "5c850751d57c5d887fe7807d3da801efe7e8faa1f105ea36cdcd913dd32a41c7"),
    ("phone", "+12345678901234", "00a63bd0437d6ca0fa7b95c00ab2e7c020faa71440e5246750d6b517689e6777"),
]
OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
HASHED_FIELDS = ("email", "phone", "external_id", "idfa", "gaid", "first_name", "last_name", "zip_code")


@pytest.mark.parametrize(("field", "raw", "digest"), VECTORS)
def test_raw_values_become_the_reference_digests(field, raw, digest):
    """Every published vector comes out as published."""
    user = tt.User(**{field: raw})

    assert getattr(user, field) == digest
    assert user.problems == ()


@pytest.mark.parametrize("field", HASHED_FIELDS)
@pytest.mark.parametrize("nothing", ["", "   ", "\t\n", None])
def test_nothing_is_never_hashed(field, nothing):
    """An empty identifier is an absent one, without a problem."""
    user = tt.User(**{field: nothing})

    assert getattr(user, field) is None
    assert user.problems == ()


@pytest.mark.parametrize("field", HASHED_FIELDS)
@pytest.mark.parametrize("digest", [OF_NOTHING, OF_NOTHING.upper()])
def test_the_hash_of_nothing_is_left_out(field, digest):
    """Whoever hashed an empty string elsewhere does not make all visitors one."""
    user = tt.User(**{field: digest})

    assert getattr(user, field) is None
    assert [problem.rule for problem in user.problems] == ["hash-of-nothing"]


def test_the_guard_is_the_hash_of_nothing():
    """The reference's guard row is what it says."""
    assert hashlib.sha256(b"").hexdigest() == OF_NOTHING
