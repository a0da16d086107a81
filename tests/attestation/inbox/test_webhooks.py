"""The door for webhooks: what is forged is refused and counted, what is good is stored once."""

import base64
import hashlib
import hmac
import json
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import OperationalError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attestation import conf
from attestation.contract import BadWebhook, Observation, ProviderAway, State
from attestation.evidence.models import Attestation
from attestation.inbox import apply, webhooks
from attestation.inbox.counters import REFUSED
from attestation.inbox.models import ProviderEvent
from attestation.providers.registry import SANDBOX
from attestation.providers.sandbox.webhooks import verify
from foundation import clock
from foundation.jobs.models import Job
from foundation.ledger.models import Entry
from tests.attestation.conftest import make_account

EVENT = {
    "type": "session.approved",
    "timestamp": "2026-11-24T12:00:00+00:00",
    "data": {"id": "sbs_1", "livemode": False},
}


def sign(body: bytes, *, event_id="evt_1", ahead=0, secret=None):
    timestamp = str(int(clock.now().timestamp()) + ahead)
    key = base64.b64decode((secret or conf.sandbox_webhook_secrets()[0]).removeprefix("whsec_"))
    mac = hmac.new(key, f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }


def post(client, body=None, headers=None, **how):
    body = json.dumps(EVENT).encode() if body is None else body
    headers = sign(body, **how) if headers is None else headers
    return client.post("/webhooks/sandbox", body, content_type="application/json", headers=headers)


def refused(reason):
    return REFUSED.labels("sandbox", reason)._value.get()


def test_a_good_webhook_is_stored_and_its_application_queued(client, db):
    assert post(client).status_code == 200
    event = ProviderEvent.objects.get()
    assert (event.event_id, event.object_ref, event.applied_at) == ("evt_1", "sbs_1", None)
    assert Job.objects.get().name == apply.APPLY


def test_the_same_webhook_ten_times_is_stored_once(client, db):
    assert {post(client).status_code for _ in range(10)} == {200}
    assert (ProviderEvent.objects.count(), Job.objects.count()) == (1, 1)


GOOD = json.dumps(EVENT).encode()
BAD_BODIES = [
    b"", b"[]", b"null", b"1", b"\xff\xfe", b"{", b'{"type": "x"}', b'{"data": []}', b"[" * 5000,
    json.dumps({**EVENT, "data": {"id": "", "livemode": False}}).encode(),
    json.dumps({**EVENT, "data": {"id": "sbs_1", "livemode": "no"}}).encode(),
    json.dumps({**EVENT, "data": {"id": "sbs\x00", "livemode": False}}).encode(),
    json.dumps({**EVENT, "data": {"id": "x" * 129, "livemode": False}}).encode(),
    json.dumps({**EVENT, "timestamp": "2026-11-24T12:00:00"}).encode(),
    json.dumps({**EVENT, "timestamp": 7}).encode(),
]  # fmt: skip


@pytest.mark.parametrize("body", BAD_BODIES)
def test_a_signed_body_that_is_no_event_is_refused_and_counted(client, db, body):
    before = refused("body")
    assert post(client, body).status_code == 400
    assert refused("body") == before + 1
    assert not ProviderEvent.objects.exists()


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"secret": "whsec_" + base64.b64encode(b"x" * 32).decode()}, "signature"),
        ({"ahead": -301}, "stale"),
        ({"ahead": 302}, "future"),
        ({"event_id": "x" * 129}, "id"),
        ({"event_id": ""}, "id"),
    ],
)
def test_a_forged_webhook_is_refused_and_counted(client, db, how, reason):
    before = refused(reason)
    assert post(client, **how).status_code == 400
    assert refused(reason) == before + 1
    assert not ProviderEvent.objects.exists()


@pytest.mark.parametrize("ahead", [-290, 290])
def test_five_minutes_of_skew_are_borne_either_way(client, db, ahead):
    assert post(client, ahead=ahead).status_code == 200


def test_a_body_changed_after_signing_is_refused(client, db):
    assert post(client, GOOD + b" ", sign(GOOD)).status_code == 400


def test_a_webhook_without_any_header_is_refused(client, db):
    assert post(client, headers={}).status_code == 400


def test_a_signature_that_is_not_ascii_is_refused(client, db):
    assert post(client, headers={**sign(GOOD), "webhook-signature": "v1,é"}).status_code == 400


def test_a_timestamp_of_foreign_digits_is_refused(client, db):
    assert post(client, headers={**sign(GOOD), "webhook-timestamp": "١٧"}).status_code == 400


def test_a_body_over_256_kib_is_refused(client, db):
    assert post(client, b" " * (256 * 1024 + 1)).status_code == 413


def test_each_live_secret_is_accepted(client, db, settings):
    old = conf.sandbox_webhook_secrets()[0]
    settings.KEY_RING = {"newer": b"n" * 32, **settings.KEY_RING}
    assert conf.sandbox_webhook_secrets()[0] != old
    assert post(client, secret=old).status_code == 200


def test_a_provider_nobody_knows_has_no_door(client, db):
    assert client.post("/webhooks/nobody", GOOD, content_type="application/json").status_code == 404


def test_without_the_sandbox_none_of_its_doors_exists(client, db, settings):
    settings.SANDBOX_PROVIDER = False
    paths = ["/webhooks/sandbox", "/sandbox-provider/v1/sessions", "/sandbox-provider/s/sbs_1/"]
    answers = [client.post(path, GOOD, content_type="application/json") for path in paths]
    assert [answer.status_code for answer in answers] == [404, 404, 404]


def test_the_door_takes_nothing_but_post(client, db):
    assert client.get("/webhooks/sandbox").status_code == 405


def test_a_database_that_is_away_is_503_and_the_provider_comes_again(client, db, monkeypatch):
    def away(*args):
        raise OperationalError

    monkeypatch.setattr(webhooks, "store", away)
    answer = post(client)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    body=st.binary(max_size=200) | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
            st.sampled_from(["type", "timestamp", "data", "id", "livemode"]), inner, max_size=5),
        max_leaves=10).map(lambda value: json.dumps(value).encode()),
    garble=st.dictionaries(
        st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text(max_size=40)),
)  # fmt: skip
def test_whatever_arrives_is_an_event_or_a_bad_webhook(body, garble):
    headers = {**sign(body), **garble}
    with suppress(BadWebhook):
        assert verify(headers, body, conf.sandbox_webhook_secrets(), clock.now()).id


@pytest.fixture
def waiting(client, db, monkeypatch):
    """A stored event of a pending proof whose object is verified by now."""
    account = make_account("Alice")
    row = Attestation.objects.create(
        account=account, environment="sandbox", kind="identity", provider="sandbox", subject_ref="sbs_1",
        started_by="user:usr_1",
    )  # fmt: skip
    post(client)
    answer = Observation(
        state=State.VERIFIED, reference=row.pk, livemode=False, version=2, level="document", method="sandbox"
    )
    monkeypatch.setattr(SANDBOX, "fetch", lambda ref: answer, raising=False)
    return ProviderEvent.objects.get()


def changes():
    return Entry.objects.filter(type="attestation.changed").count()


def test_an_event_is_applied_once_however_often_its_job_runs(waiting):
    for _ in range(3):
        apply.apply_event(waiting.pk)
    waiting.refresh_from_db()
    assert (waiting.outcome, changes()) == ("applied", 1)


def test_a_worker_that_dies_between_mark_and_facts_leaves_both_undone(waiting, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(apply, "settle", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            apply.apply_event(waiting.pk)
    waiting.refresh_from_db()
    assert (waiting.applied_at, changes()) == (None, 0)
    apply.apply_event(waiting.pk)
    assert changes() == 1


def test_a_worker_that_dies_after_its_work_does_nothing_twice(waiting):
    apply.apply_event(waiting.pk)
    ProviderEvent.objects.update(applied_at=None, outcome="")
    apply.apply_event(waiting.pk)
    waiting.refresh_from_db()
    assert (waiting.outcome, changes()) == ("unchanged", 1)


def test_a_provider_that_is_away_leaves_the_event_for_later(waiting, monkeypatch):
    def away(ref):
        raise ProviderAway("timeout")

    monkeypatch.setattr(SANDBOX, "fetch", away, raising=False)
    with pytest.raises(ProviderAway):
        apply.apply_event(waiting.pk)
    waiting.refresh_from_db()
    assert waiting.applied_at is None


def test_an_event_of_an_unknown_object_is_tried_for_ten_minutes_and_then_put_aside(client, db):
    post(client)
    event = ProviderEvent.objects.get()
    with pytest.raises(apply.NotYetKnown):
        apply.apply_event(event.pk)
    ProviderEvent.objects.update(received_at=clock.now() - timedelta(minutes=11))
    apply.apply_event(event.pk)
    event.refresh_from_db()
    assert event.outcome == "unknown_object"
