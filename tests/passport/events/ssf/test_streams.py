import json
from typing import Any

import pytest

from foundation.outbound.client import OutboundError
from passport.events.ssf import kinds
from passport.events.ssf.models import EventStream
from tests.cast import ISSUER, MODEL, SEARCH, open_service
from tests.passport.events.ssf.conftest import ENDPOINT, POLL, PUSH, Receiver, token_of


def test_the_transmitter_says_where_everything_is(client: Any, db: None) -> None:
    answer = client.get("/.well-known/ssf-configuration")
    described = answer.json()
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert described["spec_version"] == "1_0"
    assert described["issuer"] == ISSUER
    assert described["jwks_uri"] == f"{ISSUER}/.well-known/jwks.json"
    assert described["delivery_methods_supported"] == [PUSH, POLL]
    assert described["authorization_schemes"] == [{"spec_urn": "urn:ietf:rfc:6749"}]
    assert described["default_subjects"] == "ALL"


def test_a_stream_is_created_whole_and_read_the_same(receiver: Receiver) -> None:
    asked = {
        "events_requested": [kinds.SESSION_REVOKED],
        "delivery": {"method": PUSH, "endpoint_url": ENDPOINT},
        "description": "blocks callers",
    }
    created = receiver.call("POST", "/ssf/streams", asked)
    stream = created.json()
    assert created.status_code == 201
    assert stream["iss"] == ISSUER
    assert stream["aud"] == MODEL
    assert stream["events_delivered"] == stream["events_requested"] == [kinds.SESSION_REVOKED]
    assert stream["delivery"] == asked["delivery"]
    assert stream["description"] == "blocks callers"
    assert receiver.call("GET", f"/ssf/streams?stream_id={stream['stream_id']}").json() == stream
    assert receiver.call("GET", "/ssf/streams").json() == [stream]


def test_without_delivery_a_stream_is_polled_at_our_address(receiver: Receiver) -> None:
    stream = receiver.call("POST", "/ssf/streams", {}).json()
    assert stream["delivery"] == {"method": POLL, "endpoint_url": f"{ISSUER}/ssf/poll/{stream['stream_id']}"}
    assert stream["events_delivered"] == list(kinds.SUPPORTED)
    assert stream["inactivity_timeout"] == 604800


def test_a_service_has_five_streams_at_most(receiver: Receiver) -> None:
    for _ in range(5):
        receiver.open()
    assert receiver.call("POST", "/ssf/streams", {}).status_code == 409


def test_patch_changes_what_it_names_and_put_resets_the_rest(receiver: Receiver) -> None:
    stream = receiver.open(description="first", events_requested=[kinds.SESSION_REVOKED])
    patched = receiver.call("PATCH", "/ssf/streams", {"stream_id": stream, "description": "second"}).json()
    assert patched["description"] == "second"
    assert patched["events_delivered"] == [kinds.SESSION_REVOKED]
    replaced = receiver.call("PUT", "/ssf/streams", {"stream_id": stream}).json()
    assert "description" not in replaced
    assert replaced["events_delivered"] == list(kinds.SUPPORTED)


def test_what_was_read_can_be_sent_back_unchanged(receiver: Receiver) -> None:
    receiver.open()
    shown = receiver.call("GET", "/ssf/streams").json()[0]
    assert receiver.call("PUT", "/ssf/streams", shown).json() == shown


def test_a_deleted_stream_is_gone(receiver: Receiver) -> None:
    stream = receiver.open()
    assert receiver.call("DELETE", f"/ssf/streams?stream_id={stream}").status_code == 204
    assert receiver.call("GET", f"/ssf/streams?stream_id={stream}").status_code == 404


def test_a_receiver_pauses_its_stream_with_a_reason(receiver: Receiver) -> None:
    stream = receiver.open()
    asked = {"stream_id": stream, "status": "paused", "reason": "maintenance"}
    assert receiver.call("POST", "/ssf/status", asked).json() == asked
    assert receiver.call("GET", f"/ssf/status?stream_id={stream}").json() == asked
    asleep = {"stream_id": stream, "status": "asleep"}
    assert receiver.call("POST", "/ssf/status", asleep).status_code == 400


@pytest.mark.refusal("SSF-01")
def test_a_call_without_token_or_scope_or_with_the_token_in_the_address_is_refused(
    receiver: Receiver, client: Any
) -> None:
    assert client.get("/ssf/streams").status_code == 401
    reading = {"Authorization": f"Bearer {token_of(receiver.service, 'ssf.read')}"}
    assert receiver.call("POST", "/ssf/streams", {}, **reading).status_code == 403
    managing = {"Authorization": f"Bearer {token_of(receiver.service, 'ssf.manage')}"}
    assert receiver.call("GET", "/ssf/streams", **managing).status_code == 403
    token = token_of(receiver.service)
    assert client.get(f"/ssf/streams?access_token={token}").status_code == 400
    assert receiver.call("GET", f"/ssf/streams?access_token={token}").status_code == 400


@pytest.mark.refusal("SSF-02")
def test_the_stream_of_another_service_is_not_found(receiver: Receiver, client: Any) -> None:
    stream = receiver.open()
    other = open_service(SEARCH)[0]
    other.issuer_scopes = receiver.service.issuer_scopes
    other.save()
    stranger = Receiver(client, other)
    named = {"stream_id": stream, "status": "disabled", "subject": {"format": "opaque", "id": "1"}}
    answers = [
        stranger.call("GET", f"/ssf/streams?stream_id={stream}"),
        stranger.call("PATCH", "/ssf/streams", named),
        stranger.call("DELETE", f"/ssf/streams?stream_id={stream}"),
        stranger.call("GET", f"/ssf/status?stream_id={stream}"),
        *(stranger.call("POST", path, named) for path in
          ("/ssf/status", "/ssf/subjects/add", "/ssf/subjects/remove", "/ssf/verify", f"/ssf/poll/{stream}")),
    ]  # fmt: skip
    assert {answer.status_code for answer in answers} == {404}
    assert stranger.call("GET", "/ssf/streams").json() == []
    assert EventStream.objects.get().status == "enabled"


@pytest.mark.refusal("SSF-03")
@pytest.mark.parametrize(
    "name", ["iss", "aud", "events_supported", "events_delivered", "min_verification_interval"]
)
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_member_that_the_transmitter_supplies_cannot_be_changed(
    receiver: Receiver, method: str, name: str
) -> None:
    stream = receiver.open()
    answer = receiver.call(method, "/ssf/streams", {"stream_id": stream, name: "mine", "description": "new"})
    assert answer.status_code == 400
    assert name in answer.json()["detail"]
    assert EventStream.objects.get().description == ""


@pytest.mark.refusal("SSF-04")
def test_an_address_that_is_not_safe_is_refused_at_once_and_again_at_delivery(
    receiver: Receiver, settings: Any, travel: Any
) -> None:
    for url in ("http://localhost:4443/", "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/",
                "https://user@localhost:4443/", "ftp://localhost/", "", "https://localhost:4443/#a"):  # fmt: skip
        delivery = {"method": PUSH, "endpoint_url": url}
        assert receiver.call("POST", "/ssf/streams", {"delivery": delivery}).status_code == 400, url
    stream = receiver.open_push()
    receiver.call("POST", "/ssf/verify", {"stream_id": stream})
    receiver.answer = OutboundError("address")
    travel(seconds=1)
    assert EventStream.objects.get().last_error == "not reached: address"


@pytest.mark.refusal("SSF-05")
def test_unknown_kinds_are_ignored_and_none_left_is_refused(receiver: Receiver) -> None:
    asked = {"events_requested": ["urn:unknown", kinds.ACCOUNT_DISABLED]}
    assert receiver.call("POST", "/ssf/streams", asked).json()["events_delivered"] == [kinds.ACCOUNT_DISABLED]
    for given in (["urn:unknown"], [], "all", [1], {}):
        assert receiver.call("POST", "/ssf/streams", {"events_requested": given}).status_code == 400


@pytest.mark.refusal("SSF-10")
def test_the_receivers_own_header_is_never_given_back_nor_logged(
    receiver: Receiver, travel: Any, capfd: pytest.CaptureFixture[str], caplog: Any
) -> None:
    secret = "Bearer of-the-receiver"
    stream = receiver.open_push(authorization_header=secret)
    receiver.call("POST", "/ssf/verify", {"stream_id": stream})
    receiver.answer = OutboundError("timeout")
    travel(seconds=1)
    assert receiver.calls[0].headers["Authorization"] == secret
    shown = receiver.call("GET", "/ssf/streams").content.decode()
    assert "of-the-receiver" not in shown + "".join(capfd.readouterr()) + caplog.text
    assert secret.encode() not in bytes(EventStream.objects.get().authorization)


def test_the_receivers_header_stays_with_its_address_alone(receiver: Receiver, settings: Any) -> None:
    settings.OUTBOUND_PRIVATE_HOSTS = ["localhost:4443", "localhost:4444"]
    stream = receiver.open_push(authorization_header="Bearer x")
    same = {"method": PUSH, "endpoint_url": ENDPOINT}
    receiver.call("PATCH", "/ssf/streams", {"stream_id": stream, "delivery": same})
    assert EventStream.objects.get().authorization is not None
    other = {"method": PUSH, "endpoint_url": "https://localhost:4444/"}
    receiver.call("PATCH", "/ssf/streams", {"stream_id": stream, "delivery": other})
    assert EventStream.objects.get().authorization is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"a"', b'{"a":NaN}', b'{"a":"\\u0000"}', b'{"a":"\\ud800"}',
                                  b'{"a":1,"a":2}', b"\xff", b"[" * 5000, b'{"description":7}',
                                  b'{"delivery":[]}', b'{"delivery":{"method":[]}}'])  # fmt: skip
def test_a_body_that_is_not_a_good_object_is_refused(receiver: Receiver, client: Any, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {token_of(receiver.service)}"}
    answer = client.generic("POST", "/ssf/streams", body, content_type="application/json", headers=headers)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("named", ["", "stream_\0", "x" * 500, "stream_unknown", 7, None, []])
def test_a_strange_name_of_a_stream_is_refused(receiver: Receiver, named: Any) -> None:
    answer = receiver.call("POST", "/ssf/status", {"stream_id": named, "status": "paused"})
    assert answer.status_code in {400, 404}


def test_other_methods_are_not_allowed(receiver: Receiver) -> None:
    answer = receiver.call("GET", "/ssf/verify")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_a_body_may_not_be_endless(receiver: Receiver) -> None:
    assert receiver.call("POST", "/ssf/streams", {"description": json.dumps("x" * 70_000)}).status_code == 413
