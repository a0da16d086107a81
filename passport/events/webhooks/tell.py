"""Writes messages down for whoever wants them: webhooks of the account, and mail to its people."""

from collections.abc import Sequence
from datetime import datetime

from django.core.mail import EmailMessage
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.owners.models import Membership
from accounts.people.post import post
from foundation.jobs.outbox import enqueue
from passport.conf import issuer
from passport.events.webhooks.jobs import SEND
from passport.events.webhooks.messages import EVENTS, Message
from passport.events.webhooks.models import Notice, WebhookDelivery, WebhookEndpoint

MAILED = ("owner", "developer")


def tell(messages: Sequence[Message], *, now: datetime) -> None:
    """Each address and each account hears of one thing once, however often this is called for it."""
    accounts = {message.account_id for message in messages}
    endpoints = list(WebhookEndpoint.objects.filter(account_id__in=accounts, enabled=True))
    with transaction.atomic():
        for message in messages:
            for endpoint in endpoints:
                if endpoint.account_id == message.account_id and message.event in endpoint.events:
                    write(endpoint, message, now=now)
            _mail(message, now)


def write(endpoint: WebhookEndpoint, message: Message, *, now: datetime) -> WebhookDelivery:
    delivery, new = WebhookDelivery.objects.get_or_create(
        endpoint=endpoint,
        about=message.about,
        defaults={"event": message.event, "payload": message.body(), "created_at": now, "retry_at": now},
    )
    if new:
        enqueue(SEND, {"delivery_id": delivery.pk}, key=f"{SEND}:{delivery.pk}")
    return delivery


def _mail(message: Message, now: datetime) -> None:
    """To the owners and developers of the account: what happened, and where to read on."""
    _row, new = Notice.objects.get_or_create(
        account_id=message.account_id, about=message.about, defaults={"sent_at": now}
    )
    if not new:
        return
    members = Membership.objects.filter(account_id=message.account_id, role__in=MAILED, user__is_active=True)
    where = f"{issuer()}/a/{message.account_id}/notices/"
    body = _("%(what)s.\n\nWhat happened and what you can do: %(where)s\n") % {
        "what": EVENTS[message.event],
        "where": where,
    }
    for address in members.values_list("user__email", flat=True):
        post(EmailMessage(subject=EVENTS[message.event], body=body, to=[address]))
