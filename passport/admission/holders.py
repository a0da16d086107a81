"""From one read to what admission is asked: who is limited, by which buckets, in which partition."""

from datetime import datetime

from passport.admission.contract import partition_of
from passport.limits.buckets import Bucket
from passport.limits.policies import TOKEN_SCOPE, Holder, buckets_for
from passport.standing.facts import Standing
from passport.standing.good import current_levels


def holder_of(standing: Standing, now: datetime, *, agent_id: str | None = None) -> Holder:
    """``agent_id`` where another than the standing's own agent is charged: the sub-agent that acts."""
    return Holder(
        agent_id=agent_id or standing.agent_id,
        account_id=standing.account_id,
        account_created_at=standing.account_created_at,
        identity=current_levels(standing, now)[0],
        factor=min(standing.account_factor, standing.agent_factor),
        pool=standing.pool,
    )


def partition_for(standing: Standing) -> str:
    """Of everything that this account's requests touch."""
    return partition_of(standing.cluster_id or standing.account_id)


def token_buckets(
    standing: Standing, now: datetime, *, organisation_most: int, agent_id: str | None = None
) -> tuple[Bucket, ...]:
    """What one token request is charged to; nothing of the service at its target."""
    return buckets_for(
        holder_of(standing, now, agent_id=agent_id),
        standing.policies,
        service_id="",
        scope=TOKEN_SCOPE,
        cost=1,
        now=now,
        organisation_most=organisation_most,
    )
