"""How the management API shows things: plain JSON, moments in UTC to the second."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from foundation.web.paging import keyset
from passport.agents.models import Agent, AgentKey
from passport.api.doors import Answer
from passport.api.refusals import ApiRefused
from passport.conf import issuer
from passport.services.models import Scope, Service
from passport.standing.offers import ServiceRow
from passport.standing.states import AgentRow, key_word

PAGE: Final = 50
MOST_PAGE: Final = 100


def moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def show_agent(row: AgentRow) -> dict[str, Any]:
    agent = row.agent
    return {
        "id": agent.client_id,
        "name": agent.name,
        "purpose": agent.purpose,
        "software": agent.software,
        "environment": agent.environment,
        "state": row.word,
        "jwks_uri": agent.jwks_uri or None,
        "active_keys": row.keys,
        "passport_expires_at": moment(row.passport_until),
        "created_at": moment(agent.created),
    }


def version_of(agent: Agent) -> Mapping[str, Any]:
    """What ``If-Match`` of an agent is about: the members that can be changed."""
    return {"id": agent.client_id, "about": [agent.name, agent.purpose, agent.software], "state": agent.state}


def show_key(key: AgentKey, now: datetime) -> dict[str, Any]:
    return {
        "id": key.pk,
        "kid": key.kid,
        "thumbprint": key.thumbprint,
        "alg": key.alg,
        "state": key_word(key, now),
        "fetched": key.fetched,
        "created_at": moment(key.created_at),
        "not_after": moment(key.not_after),
        "retired_at": moment(key.retired_at),
        "last_used_at": moment(key.last_used_at),
    }


def show_service(service: Service, scopes: Iterable[Scope]) -> dict[str, Any]:
    return {
        "id": service.pk,
        "name": service.name,
        "description": service.description,
        "audience": service.audience,
        "environment": service.environment,
        "enabled": service.enabled,
        "dpop_bound_access_tokens_required": service.dpop_bound_access_tokens_required,
        "issuer_scopes": service.issuer_scopes.split(),
        "scopes": [show_scope(scope) for scope in scopes],
        "has_secret": service.secret_hash is not None,
        "created_at": moment(service.created_at),
    }


def show_scope(scope: Scope) -> dict[str, Any]:
    return {
        "name": scope.name,
        "description": scope.description,
        "least_identity": scope.least_identity,
        "least_payment": scope.least_payment,
    }


def show_offer(row: ServiceRow) -> dict[str, Any]:
    scopes = [{**show_scope(scope.scope), "missing": list(scope.missing)} for scope in row.scopes]
    service = row.service
    return {"service": service.pk, "name": service.name, "audience": service.audience, "scopes": scopes}


def page_of[M: Model](
    name: str,
    rows: QuerySet[M],
    request: HttpRequest,
    show: Callable[[list[M]], list[Any]],
    *,
    key: str = "-pk",
) -> Answer:
    """``{name: […], "next": URL or null}``, by key. ``limit`` is 1 to 100. Raises ApiRefused (400)."""
    page = keyset(rows, request, key=key, size=_size(request))
    after = f"{issuer()}{request.path}{page.next_url}" if page.next_url else None
    return Answer({name: show(page.rows), "next": after})


def _size(request: HttpRequest) -> int:
    asked = request.GET.get("limit", str(PAGE))
    if not (asked.isascii() and asked.isdigit() and len(asked) < 4 and 1 <= int(asked) <= MOST_PAGE):
        raise ApiRefused(400, "invalid-request", f"limit is a number from 1 to {MOST_PAGE}")
    return int(asked)
