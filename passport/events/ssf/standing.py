"""Who is denied now: a restriction that was lifted says nothing while another one stands."""

from collections.abc import Collection, Sequence

from passport.agents.models import Agent
from passport.credentials.models import Passport
from passport.events.ssf.happening import Whom
from passport.fields import Effect
from passport.restrictions.subjects import ENVIRONMENTS, account_states


def still_denied(whom: Sequence[Whom]) -> Collection[Whom]:
    """Those whom a suspend or revoke covers, their own or one above them. Four queries."""
    accounts = _accounts({each.account_id for each in whom})
    agents = _agents({each.agent_id for each in whom if each.agent_id})
    passports = _passports({each.passport for each in whom if each.passport})
    return {
        each
        for each in whom
        if (each.account_id, each.environment) in accounts
        or each.agent_id in agents
        or each.passport in passports
    }


def _accounts(account_ids: set[str]) -> set[tuple[str, str]]:
    return {
        (account_id, environment)
        for environment in ENVIRONMENTS
        for account_id in account_states(environment)
        .filter(account_id__in=account_ids, there__gte=Effect.SUSPEND)
        .values_list("account_id", flat=True)
    }


def _agents(names: set[str]) -> set[str]:
    rows = Agent.objects.filter(client_id__in=names, effect__gte=Effect.SUSPEND)
    return set(rows.values_list("client_id", flat=True))


def _passports(names: set[str]) -> set[str]:
    rows = Passport.objects.filter(pk__in=names, effect__gte=Effect.SUSPEND)
    return set(rows.values_list("jti", flat=True))
