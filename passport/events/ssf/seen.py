"""Which accounts and agents a service has seen: it hears of nobody else (SSF-09)."""

from collections.abc import Collection, Sequence

from passport.credentials.models import IssueRecord
from passport.events.ssf.happening import Happening


class Seen:
    """Who has ever got an access token for one of some audiences. One query."""

    def __init__(self, happenings: Sequence[Happening], audiences: Collection[str]) -> None:
        accounts = {one.account_id for one in happenings}
        rows = IssueRecord.objects.filter(account_id__in=accounts, audience__in=audiences)
        met = set(rows.values_list("audience", "account_id", "agent").distinct())
        self._agents = {(audience, agent) for audience, _, agent in met}
        self._accounts = {(audience, account) for audience, account, _ in met}

    def by(self, audience: str, happening: Happening) -> bool:
        if happening.audience:
            return happening.audience == audience
        if happening.agent_id:
            return (audience, happening.agent_id) in self._agents
        return (audience, happening.account_id) in self._accounts
