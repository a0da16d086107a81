"""What people decided about clusters: the cases that weights are learnt from."""

from collections.abc import Iterator

from accounts.flags.models import Flag
from accounts.linkage.clusters import cluster_of, members_of
from accounts.linkage.learning import Case


def decided_cases() -> Iterator[Case]:
    """Each decided flag of a cluster, or of an account in one; of a cluster the latest counts."""
    seen: set[str] = set()
    flags = Flag.objects.exclude(state=Flag.State.OPEN).order_by("-decided_at", "pk")
    for flag in flags.iterator():
        cluster = flag.cluster_id or cluster_of(str(flag.account_id), flag.environment)
        if cluster is None or cluster in seen:
            continue
        seen.add(cluster)
        accounts = tuple(members_of(cluster))
        if len(accounts) > 1:
            yield Case(accounts, flag.environment, flag.state == Flag.State.CONFIRMED)
