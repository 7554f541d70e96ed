"""What `except` reads."""

import copy
import pickle

import markers
import pytest
from marker_hook import raises

import tiktok_events as tt
from tiktok_events import errors

TREE = {
    tt.TikTokEventsError: Exception,
    tt.ConfigurationError: tt.TikTokEventsError,
    tt.EventValidationError: tt.TikTokEventsError,
    tt.TransportError: tt.TikTokEventsError,
    tt.OutboxFull: tt.TikTokEventsError,
    tt.OutboxUnavailable: tt.TikTokEventsError,
    tt.ApiError: tt.TikTokEventsError,
    tt.AuthenticationError: tt.ApiError,
    tt.RateLimitError: tt.ApiError,
    tt.RejectedError: tt.ApiError,
    tt.ServerError: tt.ApiError,
}

# Built by hand, an ApiError is of the kind "server"; decoding gives each its own (test_protocol).
PASSING = {
    tt.TransportError,
    tt.OutboxFull,
    tt.OutboxUnavailable,
    *(cls for cls in TREE if issubclass(cls, tt.ApiError)),
}


def test_the_tree():
    """As the module draws it; a validation error is a ValueError too."""
    assert {getattr(errors, name) for name in errors.__all__} == set(TREE)
    assert all(cls.__base__ is base for cls, base in TREE.items())
    assert issubclass(tt.EventValidationError, ValueError)
    for cls in TREE:
        assert cls.__name__ in (errors.__doc__ or "")


@pytest.mark.parametrize("cls", TREE)
def test_every_error_says_whether_to_try_again(cls):
    """`retryable` and `response` are on each, before any I/O too."""
    made = cls([]) if cls is tt.EventValidationError else cls("x")

    assert made.retryable is (cls in PASSING)
    assert made.response is None


def test_they_travel_between_processes(client, tiktok):
    """With everything they know, the fate of each event included."""
    tiktok.answers(40002)
    with raises(tt.RejectedError) as caught:
        client.track(tt.Event("Purchase", event_id="order-1", user=markers.user()))
    for twin in (pickle.loads(pickle.dumps(caught.value)), copy.copy(caught.value)):
        assert type(twin) is tt.RejectedError
        assert str(twin) == str(caught.value)
        assert (twin.code, twin.request_id, twin.retryable, twin.is_configuration_error) == (40002, "r1", False, False)
        assert twin.response == caught.value.response
        assert twin.response.results[0].event_id == "order-1"


def test_validation_errors_travel_too():
    """With their problems."""
    problem = tt.Problem("r", "error", "user.phone", "is odd", "Mend it.")
    error = tt.EventValidationError([problem])

    assert pickle.loads(pickle.dumps(error)).problems == (problem,)
    assert str(error) == "nothing was sent: user.phone: is odd (r). Mend it."


def test_transport_errors_travel_too(client, tiktok):
    """With the fate of each event."""
    error = tt.TransportError("no answer")
    error.response = tt.TrackResponse(results=(tt.EventResult("1", "failed"),), error=error)
    twin = pickle.loads(pickle.dumps(error))

    assert (str(twin), twin.retryable) == ("no answer", True)
    assert twin.response == error.response


def test_an_error_without_a_request_id_does_not_mention_one():
    """There was no answer to take it from."""
    assert str(tt.ServerError("HTTP 502", code=502)) == "TikTok answered 502: HTTP 502"
