"""Who may have sent a request, with what it authenticates by: one read of the hot path for each kind.

The rows carry what the doors decide by; other members of the models are read when they are asked for.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Model

from passport.agents.models import Agent
from passport.services.models import Service
from passport.standing.prepared import fetch_one, moment_value
from passport.standing.statements import CALLING_AGENT, CALLING_SERVICE

AGENT_MEMBERS = ("id", "client_id", "account_id", "environment", "grant_types", "jwks_uri")
SERVICE_MEMBERS = (
    "id", "account_id", "audience", "name", "environment", "enabled", "secret_hash", "issuer_scopes",
    "introspection_signed_response_alg", "jwks", "jwks_uri",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CallingKey:
    """A key of the agent that is good now."""

    kid: str
    jwk: Mapping[str, Any]
    alg: str
    fetched: bool
    """Came from the agent's ``jwks_uri``."""


def find_calling_agent(client_id: str, now: datetime) -> tuple[Agent | None, list[CallingKey]]:
    """The agent, in whatever state, and its keys that are good now. One query."""
    row = fetch_one(CALLING_AGENT, {"client_id": client_id, "now": moment_value(now)})
    if row is None:
        return None, []
    *members, keys = row
    held = json.loads(keys) if isinstance(keys, str) else keys or []
    agent = _loaded(Agent, dict(zip(AGENT_MEMBERS, members, strict=True)))
    return agent, [CallingKey(kid, _object(jwk), alg, bool(fetched)) for kid, jwk, alg, fetched in held]


def find_calling_service(service_id: str) -> Service | None:
    """The service, disabled ones too. One query."""
    row = fetch_one(CALLING_SERVICE, {"id": service_id})
    if row is None:
        return None
    members = dict(zip(SERVICE_MEMBERS, row, strict=True))
    return _loaded(
        Service, {**members, "enabled": bool(members["enabled"]), "jwks": _object(members["jwks"])}
    )


def _loaded[M: Model](model: type[M], members: Mapping[str, Any]) -> M:
    """Django takes the values in the order of its own fields."""
    names = [field.attname for field in model._meta.concrete_fields if field.attname in members]
    return model.from_db(connection.alias, names, [members[name] for name in names])


def _object(value: Any) -> Any:
    """SQLite, and PostgreSQL through Django, give JSON as text."""
    return json.loads(value) if isinstance(value, str) else value
