"""Makes, changes and ends the webhooks of an account. The only writer of that table."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from foundation.ids import new_id
from foundation.ledger.append import append
from foundation.outbound.client import OutboundError, check_target
from foundation.sealing.boxes import open_box, seal
from passport.events.webhooks.messages import EVENTS, TEST, Message, new_secret
from passport.events.webhooks.models import WebhookDelivery, WebhookEndpoint
from passport.events.webhooks.tell import write

MOST_ENDPOINTS = 10
OVERLAP = timedelta(hours=24)
"""How long both secrets sign after a rotation."""
CONTEXT = "webhook-secret/"


class EndpointRefused(ValueError):
    """The message may be shown to whoever asks."""


def add_endpoint(
    account_id: str, url: str, events: Sequence[str], *, actor: str, now: datetime
) -> tuple[WebhookEndpoint, str]:
    """Gives the endpoint and its secret, which is shown this once. Raises EndpointRefused."""
    _check(url, events)
    if WebhookEndpoint.objects.filter(account_id=account_id).count() >= MOST_ENDPOINTS:
        raise EndpointRefused(f"an account has at most {MOST_ENDPOINTS} webhooks: remove one first")
    secret = new_secret()
    endpoint = WebhookEndpoint(
        account_id=account_id, url=url, events=sorted(set(events)), created_at=now, created_by=actor
    )
    endpoint.secret = _sealed(endpoint, secret)
    with transaction.atomic():
        endpoint.save(force_insert=True)
        _record(endpoint, "added", actor, now)
    return endpoint, secret


def change_endpoint(
    endpoint: WebhookEndpoint, url: str, events: Sequence[str], *, enabled: bool, actor: str, now: datetime
) -> None:
    """Enabling one that was given up lets it begin anew. Raises EndpointRefused."""
    _check(url, events)
    endpoint.url, endpoint.events, endpoint.enabled = url, sorted(set(events)), enabled
    endpoint.failing_since, endpoint.disabled_reason = None, ""
    with transaction.atomic():
        endpoint.save(update_fields=["url", "events", "enabled", "failing_since", "disabled_reason"])
        _record(endpoint, "changed", actor, now)


def rotate_secret(endpoint: WebhookEndpoint, *, actor: str, now: datetime) -> str:
    """A new secret, shown this once. The old one goes on signing beside it for OVERLAP."""
    secret = new_secret()
    with transaction.atomic():
        held = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
        held.former_secret, held.former_until = held.secret, now + OVERLAP
        held.secret = _sealed(held, secret)
        held.save(update_fields=["secret", "former_secret", "former_until"])
        _record(held, "secret_renewed", actor, now)
    return secret


def remove_endpoint(endpoint: WebhookEndpoint, *, actor: str, now: datetime) -> None:
    with transaction.atomic():
        _record(endpoint, "removed", actor, now)
        endpoint.delete()


def send_test(endpoint: WebhookEndpoint, *, now: datetime) -> WebhookDelivery:
    data = {"endpoint": endpoint.pk}
    about = f"test:{new_id('test')}"
    return write(endpoint, Message(TEST, endpoint.account_id, about, now, data), now=now)


def signing_secrets(endpoint: WebhookEndpoint, now: datetime) -> list[str]:
    """The one that signs, and for a day after a rotation the former one."""
    boxes = [endpoint.secret]
    if endpoint.former_secret is not None and endpoint.former_until and now < endpoint.former_until:
        boxes.append(endpoint.former_secret)
    return [open_box(box, context=CONTEXT + endpoint.pk).decode("ascii") for box in boxes]


def _sealed(endpoint: WebhookEndpoint, secret: str) -> bytes:
    return seal(secret.encode("ascii"), context=CONTEXT + endpoint.pk)


def _check(url: str, events: Sequence[str]) -> None:
    if not events or not set(events) <= set(EVENTS):
        raise EndpointRefused(f"choose events among: {', '.join(EVENTS)}")
    try:
        check_target(url)
    except OutboundError:
        raise EndpointRefused("the address is https and leads to a public address") from None


def _record(endpoint: WebhookEndpoint, what: str, actor: str, now: datetime) -> None:
    append(
        f"webhook.{what}",
        actor=actor,
        subject_ids=[endpoint.pk, endpoint.account_id],
        payload={"events": endpoint.events, "enabled": endpoint.enabled},
        at=now,
    )
