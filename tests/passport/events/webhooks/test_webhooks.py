"""What developers are told at their own address, from the portal to the signature."""

import base64
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from standardwebhooks.webhooks import Webhook

from accounts.owners.models import Membership
from foundation import clock as the_clock
from foundation.jobs.outbox import run_due
from foundation.ledger.sequence import sequence
from foundation.outbound.client import Fetched, OutboundError
from passport.credentials.models import Passport
from passport.events.webhooks import endpoints, limits, reader, send
from passport.events.webhooks.messages import signature_headers
from passport.events.webhooks.models import WebhookDelivery, WebhookEndpoint
from passport.fields import Effect
from passport.restrictions.place import place
from passport.restrictions.subjects import Subject, SubjectRef
from passport.usage.models import UsageMinute
from tests.cast import Actor
from tests.people import browser, person

URL = "https://localhost:4444/hook"
ALL = ["agent.suspended", "passport.revoked", "passport.expiring", "limit.reached"]


class Server:
    """The developers' own, which checks signatures with a library that is not ours."""

    def __init__(self) -> None:
        self.answer: Fetched | OutboundError = Fetched(204, {}, b"")
        self.calls: list[tuple[dict[str, str], bytes]] = []

    def fetch(self, method: str, url: str, *, headers: dict[str, str], body: bytes, limits: Any) -> Fetched:
        assert (method, url) == ("POST", URL)
        self.calls.append((headers, body))
        if isinstance(self.answer, OutboundError):
            raise self.answer
        return self.answer

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.calls]

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.calls]


@pytest.fixture
def server(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Server:
    settings.OUTBOUND_PRIVATE_HOSTS = ["localhost:4444"]
    made = Server()
    monkeypatch.setattr(send, "fetch", made.fetch)
    return made


@pytest.fixture
def alice(scout: Actor) -> Any:
    user = person("alice@example.com")
    Membership.objects.create(account=scout.account, user=user, role="owner")
    return browser(user, factor=True)


@pytest.fixture
def secret(alice: Any, server: Server, scout: Actor) -> str:
    """Of a webhook for all events, as the page showed it."""
    # The reader begins where the ledger stands when it first looks.
    sequence()
    reader.read()
    answer = alice.post(f"/a/{scout.account.id}/streams/new/", {"url": URL, "events": ALL})
    assert answer.headers["Cache-Control"] == "private, no-store"
    return re.search(r"whsec_[A-Za-z0-9+/=]+", answer.content.decode()).group()


def suspend(actor: Actor) -> None:
    place([SubjectRef(Subject.AGENT, actor.id, actor.account.id)], effect=Effect.SUSPEND, reason="abuse",
          actor="user:usr_tina", now=the_clock.now())  # fmt: skip


def travel() -> None:
    sequence()
    reader.read()
    send.wake()
    run_due()


def page_of(scout: Actor) -> str:
    return f"/a/{scout.account.id}/streams/{WebhookEndpoint.objects.get().pk}/"


def test_a_suspension_is_told_once_and_its_signature_holds(secret: str, server: Server, scout: Actor) -> None:
    suspend(scout)
    travel()
    travel()
    ((headers, body),) = server.calls
    told = json.loads(body)
    assert told["type"] == "agent.suspended"
    assert told["data"] == {"agent": scout.id, "environment": "sandbox", "status": "suspended"}
    assert told["timestamp"] == "2026-11-24T12:00:00.250Z"
    checked = {**headers, "webhook-timestamp": headers["webhook-timestamp"]}
    assert (
        signature_headers(headers["webhook-id"], body.decode(), [secret], now=the_clock.now()).items()
        <= checked.items()
    )


def test_a_library_of_others_accepts_our_signature_and_no_altered_body(db: None) -> None:
    from datetime import UTC, datetime

    secret = "whsec_" + base64.b64encode(bytes(range(32))).decode()
    headers = signature_headers("msg_1", '{"a":1}', [secret], now=datetime.now(UTC))
    assert Webhook(secret).verify('{"a":1}', headers) == {"a": 1}
    with pytest.raises(Exception, match="signature"):
        Webhook(secret).verify('{"a":2}', headers)


def test_the_secret_is_shown_once_and_kept_sealed(secret: str, alice: Any, scout: Actor) -> None:
    assert secret not in alice.get(page_of(scout)).content.decode()
    assert secret.encode() not in bytes(WebhookEndpoint.objects.get().secret)


def test_after_a_rotation_both_secrets_sign_for_a_day(
    secret: str, server: Server, alice: Any, scout: Actor, clock: Any
) -> None:
    answer = alice.post(f"{page_of(scout)}act/rotate/")
    newer = re.search(r"whsec_[A-Za-z0-9+/=]+", answer.content.decode()).group()
    for hours in (0, 25):
        clock.forward(hours=hours)
        endpoints.send_test(WebhookEndpoint.objects.get(), now=the_clock.now())
        travel()
    now = the_clock.now()
    for (headers, body), secrets, then in zip(
        server.calls, ([newer, secret], [newer]), (now - timedelta(hours=25), now), strict=True
    ):
        expected = signature_headers(headers["webhook-id"], body.decode(), secrets, now=then)
        assert headers["webhook-signature"] == expected["webhook-signature"]


def test_what_fails_is_tried_again_with_the_same_id_and_in_the_end_given_up(
    secret: str, server: Server, scout: Actor, clock: Any
) -> None:
    server.answer = Fetched(500, {}, b"")
    suspend(scout)
    travel()
    travel()
    assert len(server.calls) == 1, "the wait has not passed"
    for wait in send.WAITS:
        clock.moment += wait
        travel()
    assert len(server.calls) == 10
    assert len(set(server.ids)) == 1
    assert WebhookDelivery.objects.get().state == "failed"


def test_a_failed_message_is_redelivered_from_the_page(
    secret: str, server: Server, alice: Any, scout: Actor
) -> None:
    server.answer = OutboundError("timeout")
    alice.post(f"{page_of(scout)}act/test/")
    travel()
    row = WebhookDelivery.objects.get()
    server.answer = Fetched(200, {}, b"")
    assert alice.post(f"{page_of(scout)}{row.pk}/again/").status_code == 302
    travel()
    row.refresh_from_db()
    assert row.state == "delivered"
    assert server.ids == [row.pk, row.pk]
    assert b"Redeliver" in alice.get(page_of(scout)).content


def test_an_address_that_is_gone_or_fails_for_a_week_is_turned_off(
    secret: str, server: Server, scout: Actor, alice: Any
) -> None:
    server.answer = Fetched(410, {}, b"")
    alice.post(f"{page_of(scout)}act/test/")
    travel()
    assert not WebhookEndpoint.objects.get().enabled
    assert b"gone (410)" in alice.get(page_of(scout)).content


def test_people_are_told_by_mail_once_and_without_particulars(
    secret: str, scout: Actor, settings: Any
) -> None:
    suspend(scout)
    travel()
    travel()
    (letter,) = mail.outbox
    assert letter.to == ["alice@example.com"]
    assert f"/a/{scout.account.id}/notices/" in letter.body
    assert scout.id not in letter.body


def test_a_passport_about_to_end_is_told_unless_it_was_renewed(
    secret: str, server: Server, endpoint: Any, scout: Actor, clock: Any
) -> None:
    endpoint.passport(scout)
    clock.forward(days=28)
    reader.tell_expiring()
    reader.tell_expiring()
    travel()
    (told,) = server.bodies
    assert (told["type"], told["data"]["passport"]) == ("passport.expiring", Passport.objects.get().jti)


def test_a_revoked_passport_is_told(secret: str, server: Server, endpoint: Any, scout: Actor) -> None:
    endpoint.passport(scout)
    jti = Passport.objects.get().jti
    place([SubjectRef(Subject.PASSPORT, jti, scout.account.id)], effect=Effect.REVOKE, reason="lost",
          actor="user:usr_alice", now=the_clock.now())  # fmt: skip
    travel()
    assert [(told["type"], told["data"]["status"]) for told in server.bodies] == [
        ("passport.revoked", "revoked")
    ]


def test_a_limit_that_was_reached_is_told_once_an_hour(
    secret: str, server: Server, scout: Actor, model: Any
) -> None:
    counts = dict.fromkeys(
        ("units", "allowed", "failed", "lacks_scope", "restricted", "bad_proof", "other"), 0
    )
    UsageMinute.objects.create(
        account_id=scout.account.id, environment="sandbox", agent=scout.id, service_id=model.pk,
        scope="model:infer", over_limit=3, starts_at=the_clock.now() - timedelta(minutes=1), **counts,
    )  # fmt: skip
    limits.tell_limits()
    limits.tell_limits()
    travel()
    (told,) = server.bodies
    assert told["type"] == "limit.reached"
    assert told["data"]["refused"] == 3


def test_strangers_and_unsafe_addresses_are_refused(
    secret: str, server: Server, alice: Any, scout: Actor
) -> None:
    carol = browser(person("carol@example.com"), factor=True)
    assert carol.get(page_of(scout)).status_code == 404
    for url in ("https://127.0.0.1/", "http://localhost:4444/", "https://10.0.0.1/x"):
        answer = alice.post(f"/a/{scout.account.id}/streams/new/", {"url": url, "events": ALL})
        assert b"public address" in answer.content, url
    assert WebhookEndpoint.objects.count() == 1


def test_the_list_shows_webhooks_and_the_streams_of_own_services(
    secret: str, alice: Any, scout: Actor
) -> None:
    answer = alice.get(f"/a/{scout.account.id}/streams/")
    assert URL.encode() in answer.content
