"""The keys of a service: registered one by one, or published at a URL. The only writer of its key set.

With one it authenticates by assertion, and binds to it the tokens that it acts on with. Two at a time
are a change of keys without a gap: the next is added, used, and the old one removed.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import F, Q

from foundation import clock
from foundation.jobs.periodic import every
from foundation.ledger.append import append
from foundation.outbound import documents
from foundation.outbound.client import KEYS, OutboundError
from foundation.outbound.documents import Document, Kind
from passport.agents.client_metadata import read_url
from passport.agents.key_sets import MOST_KEYS, read_key_set
from passport.agents.keys import PublicKey
from passport.agents.models import AgentKey
from passport.errors import InvalidClientMetadata
from passport.services.keys import read_keys
from passport.services.models import Service
from passport.services.registration import ServiceRefused

log = structlog.get_logger()

KIND = Kind("service_keys", KEYS, read_key_set)
UNREAD = timedelta(minutes=10)
A_ROUND = 20
"""How many services a round reads again: each may cost five seconds."""


def add_key(service: Service, key: PublicKey, *, actor: str, now: datetime) -> None:
    """Register one more. Raises ServiceRefused."""
    with transaction.atomic():
        locked = _lock(service)
        held = list(read_keys(locked.jwks))
        if locked.jwks_uri:
            raise ServiceRefused("its keys are those at its URL: publish this one there")
        if len(held) >= MOST_KEYS:
            raise ServiceRefused(f"a service has at most {MOST_KEYS} keys: remove one first")
        if any(key.thumbprint == one.thumbprint or key.kid == one.kid for one in held):
            raise ServiceRefused("it has this key already, or another one of that kid")
        if AgentKey.objects.filter(thumbprint=key.thumbprint).exists():
            raise ServiceRefused("an agent has this key: make another for the service")
        _write(locked, [*held, key])
        _record("service.key_added", locked, actor, now, thumbprint=key.thumbprint)
    service.jwks = locked.jwks


def remove_key(service: Service, thumbprint: str, *, actor: str, now: datetime) -> bool:
    """From now it neither authenticates nor holds a token. False where the service has no such key.

    Raises ServiceRefused for the last way to authenticate.
    """
    with transaction.atomic():
        locked = _lock(service)
        held = list(read_keys(locked.jwks))
        left = [key for key in held if key.thumbprint != thumbprint]
        if len(left) == len(held):
            return False
        if locked.jwks_uri:
            raise ServiceRefused("its keys are those at its URL: take this one away there")
        if not left and locked.secret_hash is None:
            raise ServiceRefused("without it the service could not authenticate: add the next key first")
        _write(locked, left)
        _record("service.key_removed", locked, actor, now, thumbprint=thumbprint)
    service.jwks = locked.jwks
    return True


def set_keys(service: Service, keys: Sequence[PublicKey], *, actor: str, now: datetime) -> None:
    """From now its keys are exactly these; its secret stays. Raises ServiceRefused."""
    with transaction.atomic():
        locked = _lock(service)
        if locked.jwks_uri:
            raise ServiceRefused("its keys are those at its URL: publish these there")
        if not keys and locked.secret_hash is None:
            raise ServiceRefused("without a key the service could not authenticate: it has no secret")
        if AgentKey.objects.filter(thumbprint__in=[key.thumbprint for key in keys]).exists():
            raise ServiceRefused("an agent has one of these keys: make another for the service")
        _write(locked, keys)
        thumbprints = " ".join(key.thumbprint for key in keys)
        _record("service.keys_changed", locked, actor, now, thumbprints=thumbprints)
    service.jwks = locked.jwks


def publish_at(service: Service, url: str, *, actor: str, now: datetime) -> None:
    """From now its keys are those at ``url`` and no others; empty: none, until one is registered.

    Raises ServiceRefused for a URL that may not be fetched, or where no usable key is found there.
    """
    url = _checked(url)
    keys = _fetched(url, now) if url else ()
    with transaction.atomic():
        locked = _lock(service)
        if not keys and locked.secret_hash is None:
            raise ServiceRefused("no usable key is there, and the service has no secret")
        locked.jwks_uri, locked.keys_read_at = url, now if url else None
        locked.save(update_fields=["jwks_uri", "keys_read_at"])
        _write(locked, keys)
        _record("service.changed", locked, actor, now, jwks_uri=url)
    service.refresh_from_db(fields=["jwks", "jwks_uri", "keys_read_at"])


def end_secret(service: Service, *, actor: str, now: datetime) -> None:
    """From now it authenticates by assertion alone. Raises ServiceRefused where it has no key to do so."""
    with transaction.atomic():
        locked = _lock(service)
        if not any(read_keys(locked.jwks)):
            raise ServiceRefused("the service has no key yet: add one first")
        if locked.secret_hash is not None:
            Service.objects.filter(pk=locked.pk).update(secret_hash=None)
            _record("service.secret_ended", locked, actor, now)
    service.secret_hash = None


def usable_keys(service: Service, *, kid: str | None, now: datetime) -> Sequence[PublicKey]:
    """The keys that are good now. For published ones as for agents' (ASRT-14): while their server is
    down, those that were read hold to their end; an unknown ``kid`` reads again, once a minute at most."""
    if not service.jwks_uri:
        return list(read_keys(service.jwks))
    document = _read(service.jwks_uri, kid, now)
    if document is None:
        return []
    keys = read_key_set(document.body)
    _settle(service, keys)
    return keys


def _read(url: str, kid: str | None, now: datetime) -> Document | None:
    try:
        document = documents.read(url, KIND, now=now)
    except OutboundError:
        return None
    if kid is not None and kid not in {key.kid for key in read_key_set(document.body)}:
        return documents.reread(url, KIND, now=now) or document
    return document


def _settle(service: Service, keys: Sequence[PublicKey]) -> None:
    """Make the row say what is published: it is what the reads of other parts go by."""
    held = {key.thumbprint for key in read_keys(service.jwks)}
    if held == {key.thumbprint for key in keys}:
        return
    Service.objects.filter(pk=service.pk, jwks_uri=service.jwks_uri).update(jwks=_set_of(keys))
    service.jwks = _set_of(keys)
    log.info("service_keys_read", service=service.pk, keys=len(keys))


def _checked(url: str) -> str:
    try:
        return read_url(url, "the URL") if url else ""
    except InvalidClientMetadata as bad:
        raise ServiceRefused(bad.description) from bad


def _fetched(url: str, now: datetime) -> Sequence[PublicKey]:
    try:
        return read_key_set(documents.read(url, KIND, now=now).body)
    except OutboundError:
        raise ServiceRefused("no key set could be read there") from None


def _lock(service: Service) -> Service:
    return Service.objects.select_for_update(of=("self",)).get(pk=service.pk)


def _write(service: Service, keys: Iterable[PublicKey]) -> None:
    service.jwks = _set_of(keys)
    service.save(update_fields=["jwks"])


def _set_of(keys: Iterable[PublicKey]) -> dict[str, list[dict[str, str]]]:
    return {"keys": [{**key.jwk, "kid": key.kid, "alg": key.alg} for key in keys]}


def _record(event: str, service: Service, actor: str, now: datetime, **payload: str) -> None:
    owner = [service.account_id] if service.account_id else []
    append(event, actor=actor, subject_ids=[service.pk, *owner], payload=payload, at=now)


@every(60, "passport.services.read_published_keys")
def read_again() -> None:
    """So that a key that is no longer published ends although its service never authenticates with it."""
    now = clock.now()
    due = Service.objects.filter(
        Q(keys_read_at=None) | Q(keys_read_at__lt=now - UNREAD), enabled=True
    ).exclude(jwks_uri="")
    for service in due.order_by(F("keys_read_at").asc(nulls_first=True))[:A_ROUND]:
        Service.objects.filter(pk=service.pk).update(keys_read_at=now)
        usable_keys(service, kid=None, now=now)
