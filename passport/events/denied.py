"""Which agents are denied now, for verifiers that check every ``act.sub``."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import QuerySet

from passport.agents.models import Agent
from passport.fields import Effect
from passport.protocol import TYP_DENIED
from passport.restrictions.models import Restriction
from passport.restrictions.subjects import ENVIRONMENTS, Subject, account_states, in_chunks
from passport.signing import keys

LIFE_SECONDS = 300


def denied_agents() -> list[str]:
    """Every agent whose own effect or whose account's, in its environment, denies it. Three queries."""
    denied = set(Agent.objects.filter(effect__gte=Effect.SUSPEND).values_list("client_id", flat=True))
    for environment in ENVIRONMENTS:
        accounts = account_states(environment).filter(there__gte=Effect.SUSPEND).values("account_id")
        agents = Agent.objects.filter(environment=environment, account_id__in=accounts)
        denied.update(agents.values_list("client_id", flat=True))
    return sorted(denied)


def denied_token(issuer: str, ledger: int, now: datetime) -> str:
    """The signed full set, true at least up to ``ledger``: read ``head()`` before calling."""
    issued_at = int(now.timestamp())
    claims = {
        "iss": issuer,
        "iat": issued_at,
        "exp": issued_at + LIFE_SECONDS,
        "ledger": ledger,
        "subs": denied_agents(),
    }
    return keys.active("tokens").sign(claims, typ=TYP_DENIED)


def agents_hit(payload: Mapping[str, object]) -> list[str]:
    """The agents that an entry ``restriction.placed`` denies; none for a throttle, a key, a passport."""
    if payload.get("effect") not in {"suspend", "revoke"}:
        return []
    subjects, environment = payload.get("subjects"), str(payload.get("environment", ""))
    batch_id = payload.get("batch")
    if isinstance(subjects, Mapping):
        account_ids = subjects.get(Subject.ACCOUNT.value, ())
        return _agents(account_ids, environment) + list(subjects.get(Subject.AGENT.value, ()))
    if isinstance(batch_id, str):
        return _agents_of_batch(batch_id, environment)
    return []


def _agents(account_ids: Sequence[str], environment: str) -> list[str]:
    found: list[str] = []
    for part in in_chunks(account_ids):
        found += _there(environment).filter(account_id__in=part).values_list("client_id", flat=True)
    return found


def _there(environment: str) -> QuerySet[Agent]:
    """The agents of one environment, or of both where none is named."""
    return Agent.objects.filter(environment=environment) if environment else Agent.objects.all()


def _agents_of_batch(batch_id: str, environment: str) -> list[str]:
    rows = Restriction.objects.filter(batch_id=batch_id)
    accounts = rows.filter(subject_type=Subject.ACCOUNT).values("subject_id")
    found = list(rows.filter(subject_type=Subject.AGENT).values_list("subject_id", flat=True))
    found += _there(environment).filter(account_id__in=accounts).values_list("client_id", flat=True)
    return found
