"""Tells an account that an agent of its reached a limit, from what services reported. Once an hour each."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, Sum

from foundation import clock
from foundation.jobs.periodic import every
from passport.events.webhooks.messages import Message
from passport.events.webhooks.tell import tell
from passport.usage.models import UsageMinute

LOOK_BACK = timedelta(minutes=15)
"""Reports come late by a minute or two; what was told already is not told again."""


@every(60, "passport.events.webhooks.limits")
def tell_limits() -> None:
    """One query; one message for each agent, service and scope in each hour."""
    now = clock.now()
    over = UsageMinute.objects.filter(starts_at__gte=now - LOOK_BACK, over_limit__gt=0)
    named = over.values("account_id", "agent", "environment", "service_id", "scope")
    rows = named.annotate(refused=Sum("over_limit"), last=Max("starts_at")).order_by("agent", "scope")
    tell([_message(row) for row in rows], now=now)


def _message(row: Mapping[str, Any]) -> Message:
    last: datetime = row["last"]
    data = {
        "agent": row["agent"],
        "environment": row["environment"],
        "service": row["service_id"],
        "scope": row["scope"],
        "refused": row["refused"],
    }
    about = f"limit:{row['agent']}:{row['service_id']}:{row['scope']}:{last:%Y%m%d%H}"
    return Message("limit.reached", row["account_id"], about, last, data)
