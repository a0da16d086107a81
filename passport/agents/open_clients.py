"""Clients that registered openly, for nobody's account (RFC 7591 without an initial access token).

They are for programs that act for people, such as MCP clients. None of them is an agent: they
have no key, get no passport and nothing in their own name.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from foundation.ledger.append import append
from passport.agents.client_metadata import ClientMetadata
from passport.agents.models import OpenClient
from passport.agents.oauth_client import NO_AUTHENTICATION, OPEN, OAuthClient
from passport.agents.tokens import end_registration, make_registration_token
from passport.errors import TemporarilyUnavailable

UNUSED_LIFE = timedelta(hours=24)
RETRY_SECONDS = 3600


def register(metadata: ClientMetadata, *, most: int, now: datetime) -> tuple[OpenClient, str]:
    """Make a public client, and the token for its registration.

    Raises TemporarilyUnavailable while ``most`` of them wait unused: they end after a day (DCR-01).
    """
    if OpenClient.objects.filter(used_at=None).count() >= most:
        raise TemporarilyUnavailable(
            "too many clients wait unused; try again later",
            uri_reason="registration_limited",
            status=429,
            retry_after=RETRY_SECONDS,
        )
    client = OpenClient(created_at=now)
    _describe(client, metadata)
    with transaction.atomic():
        client.save(force_insert=True)
        append("client.registered", actor="system:registration", subject_ids=[client.client_id], at=now)
        return client, make_registration_token(client.client_id, now)


def replace(client: OpenClient, metadata: ClientMetadata) -> None:
    _describe(client, metadata)
    client.save(force_update=True)


def withdraw(client: OpenClient, *, actor: str, now: datetime) -> None:
    with transaction.atomic():
        end_registration(client.client_id)
        OpenClient.objects.filter(pk=client.pk).delete()
        append("client.withdrawn", actor=actor, subject_ids=[client.client_id], at=now)


def unused_clients() -> list[str]:
    """The ids of those of which nobody is known to have consented yet."""
    return list(OpenClient.objects.filter(used_at=None).values_list("pk", flat=True))


def record_use(client_ids: Iterable[str], now: datetime) -> None:
    """People consented to them: they stay."""
    OpenClient.objects.filter(pk__in=list(client_ids), used_at=None).update(used_at=now)


def sweep_unused(now: datetime) -> int:
    """End those that nobody consented to within a day of their registration. Gives how many."""
    with transaction.atomic():
        unused = OpenClient.objects.filter(used_at=None, created_at__lt=now - UNUSED_LIFE)
        client_ids = list(unused.select_for_update().values_list("pk", flat=True)[:1000])
        end_registration(*client_ids)
        OpenClient.objects.filter(pk__in=client_ids).delete()
    return len(client_ids)


def find_open(client_id: str) -> OAuthClient | None:
    """One query, for ids of this kind only."""
    if not client_id.startswith("client_"):
        return None
    row = OpenClient.objects.filter(pk=client_id).first()
    return None if row is None else _as_client(row)


def _as_client(row: OpenClient) -> OAuthClient:
    return OAuthClient(
        client_id=row.client_id,
        name=row.name,
        kind=OPEN,
        redirect_uris=tuple(row.redirect_uris.split()),
        auth_method=NO_AUTHENTICATION,
        application_type=row.application_type,
        keys=(),
        account_id=None,
        grant_types=frozenset(row.grant_types.split()),
        scopes=frozenset(row.scope.split()) or None,
        uri=row.metadata.get("client_uri", ""),
        logo_uri=row.metadata.get("logo_uri", ""),
        created_at=row.created_at,
        require_par=row.require_pushed_authorization_requests,
        dpop_bound=row.dpop_bound_access_tokens,
    )


def _describe(client: OpenClient, metadata: ClientMetadata) -> None:
    client.name = metadata.name
    client.redirect_uris = " ".join(metadata.redirect_uris)
    client.application_type = metadata.application_type
    client.grant_types = " ".join(metadata.grant_types)
    client.scope = metadata.scope
    client.dpop_bound_access_tokens = metadata.dpop_bound
    client.require_pushed_authorization_requests = metadata.require_par
    client.metadata = dict(metadata.about)
