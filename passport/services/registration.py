"""Services, what they offer, and who may reach it. The only writer of these tables.

A secret is 32 random bytes that we generate, so a keyed SHA-256 is as strong as any slow hash
and costs a microsecond, where a password hasher costs a CPU-second at every introspection.
"""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction

from attestation.levels import IDENTITY, PAYMENT
from foundation.ledger.append import append
from foundation.sealing.hashes import keyed_hash, matches_any
from passport.agents.models import Agent
from passport.agents.names import clean_name
from passport.agents.own_api import is_own
from passport.services.models import AgentGrant, Scope, Service

PURPOSE = "service-secret"
SECRET_BYTES = 32
MAX_AUDIENCE = 512
MAX_SCOPES_BYTES = 4096
SCOPE_NAME = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,64}")
"""scope-token of RFC 6749 section 3.3."""
VISIBLE = re.compile("[\x21-\x7e]+")
ISSUER_SCOPES = frozenset(
    {"events.read", "decisions.evaluate", "usage.write", "reports.write", "ssf.read", "ssf.manage"}
)
"""What a service's own token for ``ISS/v1`` may carry."""


class ServiceRefused(ValueError):
    """The message may be shown to whoever registers the service."""


class AudienceInUse(ServiceRefused):
    """Another service has this audience."""


@dataclass(frozen=True, slots=True)
class ScopeSpec:
    name: str
    description: str
    least_identity: str = "document"
    least_payment: str = "instrument"


def create_service(
    *,
    account_id: str | None,
    name: str,
    audience: str,
    environment: str,
    scopes: Sequence[ScopeSpec],
    issuer_scopes: Sequence[str],
    actor: str,
    now: datetime,
    description: str = "",
    dpop_bound_access_tokens_required: bool = True,
) -> tuple[Service, str]:
    """Register a relying party. Gives it and its secret, which is shown this once.

    Raises BadName, ServiceRefused, AudienceInUse.
    """
    check_audience(audience)
    if is_own(audience):
        raise ServiceRefused("the audience is this server's own")
    _check_scopes(scopes)
    if unknown := set(issuer_scopes) - ISSUER_SCOPES:
        raise ServiceRefused(f"not scopes of this server: {' '.join(sorted(unknown))}")
    secret = _new_secret()
    service = Service(
        account_id=account_id,
        name=clean_name(name, most=120),
        description=clean_name(description, most=300, label="the description", required=False),
        audience=audience,
        environment=Agent.Environment(environment),
        secret_hash=_hash(secret),
        issuer_scopes=" ".join(dict.fromkeys(issuer_scopes)),
        dpop_bound_access_tokens_required=dpop_bound_access_tokens_required,
        created_at=now,
    )
    try:
        with transaction.atomic():
            service.save(force_insert=True)
            Scope.objects.bulk_create(_row(service, scope) for scope in scopes)
            append(
                "service.created",
                actor=actor,
                subject_ids=[service.id, *([account_id] if account_id else [])],
                payload={"audience": audience, "environment": environment},
                at=now,
            )
    except IntegrityError:
        raise AudienceInUse("a service with this audience is registered already") from None
    return service, secret


def check_secret(service: Service, secret: str) -> bool:
    """Whether ``secret`` is the one of the service, under any key of the ring; in constant time.

    A service that signs assertions has none: then no secret is right, and it costs the same.
    """
    stored = bytes(service.secret_hash) if service.secret_hash is not None else b""
    return matches_any(PURPOSE, secret.encode("utf-8", "surrogatepass"), stored)


def renew_secret(service: Service, *, actor: str, now: datetime) -> str:
    """A new secret, shown this once; the old one no longer works."""
    secret = _new_secret()
    with transaction.atomic():
        Service.objects.filter(pk=service.pk).update(secret_hash=_hash(secret))
        append("service.secret_renewed", actor=actor, subject_ids=[service.id], at=now)
    service.refresh_from_db(fields=["secret_hash"])
    return secret


def set_grant(
    agent: Agent, service: Service, scopes: Sequence[str], *, actor: str, now: datetime
) -> AgentGrant | None:
    """Let an agent reach exactly these scopes of a service; none of them takes the grant away.

    Raises ServiceRefused for a scope that the service does not offer, for another environment,
    or when the names together are too long for a token.
    """
    if agent.environment != service.environment:
        raise ServiceRefused(f"a {agent.environment} agent cannot reach a {service.environment} service")
    wanted = list(dict.fromkeys(scopes))
    offered = set(Scope.objects.filter(service=service).values_list("name", flat=True))
    if unknown := [name for name in wanted if name not in offered]:
        raise ServiceRefused(f"{service.name} does not offer: {' '.join(unknown)}")
    with transaction.atomic():
        grant = _write_grant(agent, service, wanted, actor=actor, now=now)
        append(
            "grant.changed",
            actor=actor,
            subject_ids=[agent.client_id, service.id, agent.account_id],
            payload={"scopes": wanted},
            at=now,
        )
    return grant


def check_audience(audience: str) -> None:
    """An absolute URI without fragment (RFC 8707 section 2). Raises ServiceRefused."""
    if not VISIBLE.fullmatch(audience) or len(audience) > MAX_AUDIENCE:
        raise ServiceRefused(f"the audience is a URI of at most {MAX_AUDIENCE} ASCII characters")
    try:
        parts = urlsplit(audience)
        has_port = parts.port is not None or not parts.netloc.endswith(":")
    except ValueError:
        raise ServiceRefused("the audience is not a URI") from None
    if not parts.scheme or not (parts.netloc or parts.path):
        raise ServiceRefused("the audience is an absolute URI, such as https://models.example")
    if parts.scheme in {"http", "https"} and (not parts.hostname or "@" in parts.netloc or not has_port):
        raise ServiceRefused("the audience names a host, without user and password")
    if "#" in audience:
        raise ServiceRefused("the audience has no fragment")


def _write_grant(
    agent: Agent, service: Service, wanted: list[str], *, actor: str, now: datetime
) -> AgentGrant | None:
    if not wanted:
        AgentGrant.objects.filter(agent=agent, service=service).delete()
        return None
    if len(" ".join(wanted)) > MAX_SCOPES_BYTES:
        raise ServiceRefused("too many scopes for one grant")
    grant, _ = AgentGrant.objects.update_or_create(
        agent=agent,
        service=service,
        defaults={"scopes": " ".join(wanted), "granted_by": actor, "granted_at": now},
    )
    return grant


def _check_scopes(scopes: Sequence[ScopeSpec]) -> None:
    names = [scope.name for scope in scopes]
    if len(set(names)) != len(names):
        raise ServiceRefused("a scope is named twice")
    for scope in scopes:
        if not SCOPE_NAME.fullmatch(scope.name):
            raise ServiceRefused("a scope is 1 to 64 visible ASCII characters, without quote and backslash")
        if scope.least_identity not in IDENTITY or scope.least_payment not in PAYMENT:
            raise ServiceRefused(f"{scope.name} asks for a level that does not exist")


def _row(service: Service, scope: ScopeSpec) -> Scope:
    return Scope(
        service=service,
        name=scope.name,
        description=clean_name(scope.description, most=200, label=f"the description of {scope.name}"),
        least_identity=scope.least_identity,
        least_payment=scope.least_payment,
    )


def _new_secret() -> str:
    return f"aps_{secrets.token_urlsafe(SECRET_BYTES)}"


def _hash(secret: str) -> bytes:
    return keyed_hash(PURPOSE, secret.encode()).digest
