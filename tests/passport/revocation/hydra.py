"""Mallory's cluster, the people who decide about it, and a batch taken to a wanted state."""

from datetime import timedelta

from django.contrib.auth.models import Group

from accounts.linkage.models import AccountCluster, Cluster, ClusterLink
from accounts.people.models import User
from foundation.jobs.outbox import run_due
from foundation.ledger.append import append
from passport.fields import Effect
from passport.revocation.approve import approve
from passport.revocation.models import RevocationBatch
from passport.revocation.preview import make_preview, record_view
from passport.revocation.run import start
from passport.revocation.steps import create_batch, get_batch
from tests.passport.population import NOON

ANALYST, APPROVER = "user:usr_analyst", "user:usr_approver"
DAY = timedelta(days=1)
SHARED_BY = 16
"""No value links a whole large cluster: above its cap it would be no evidence."""


def cluster(name: str, *account_ids: str) -> str:
    found = Cluster.objects.create(
        id=f"clu_{name}", environment="sandbox", grade="linked", model_version="test", size=len(account_ids)
    )
    AccountCluster.objects.bulk_create(
        [
            AccountCluster(account_id=one, environment="sandbox", cluster=found, changed_at=NOON)
            for one in account_ids
        ]
    )
    ClusterLink.objects.bulk_create(
        [link for place, one in enumerate(account_ids) for link in links(found.pk, one, place // SHARED_BY)]
    )
    return found.pk


def links(cluster_id: str, account_id: str, shared: int) -> list[ClusterLink]:
    """A card and a device that some others of the cluster have too."""
    return [
        ClusterLink(
            cluster_id=cluster_id, account_id=account_id, kind=kind, holders=3, bits=7.0,
            value_hash=f"{shared} {kind}".ljust(32).encode(),
        )
        for kind in ("payment_instrument", "device")
    ]  # fmt: skip


def join(cluster_id: str, account_id: str) -> None:
    AccountCluster.objects.create(
        account_id=account_id, environment="sandbox", cluster_id=cluster_id, changed_at=NOON
    )
    ClusterLink.objects.bulk_create(links(cluster_id, account_id, 0))


def leave(account_id: str) -> None:
    AccountCluster.objects.filter(account_id=account_id).update(cluster=None)
    ClusterLink.objects.filter(account_id=account_id).delete()


def staff(
    actor: str, *, role: str = "approver", given_by: str = "system:command", age: timedelta = 2 * DAY
) -> str:
    """A member of staff whose role is in the record."""
    user = User.objects.create(
        pk=actor.removeprefix("user:"),
        email=f"{actor.removeprefix('user:usr_')}@passport.test",
        is_staff=True,
    )
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    append(
        "staff.role_given", actor=given_by, subject_ids=[user.pk], payload={"roles": [role]}, at=NOON - age
    )
    return actor


def previewed(
    chosen_from: str, *, by: str = "cluster", effect: Effect = Effect.REVOKE, actor: str = ANALYST
) -> RevocationBatch:
    batch = create_batch(
        environment="sandbox", chosen_by=by, chosen_from=chosen_from, reason="hydra", actor=actor, now=NOON,
        effect=effect,
    )  # fmt: skip
    return make_preview(batch.pk, actor=actor, now=NOON)


def approved(batch: RevocationBatch, actor: str = ANALYST) -> RevocationBatch:
    return approve(batch.pk, actor, record_view(batch.pk, actor, now=NOON), now=NOON)


def done(chosen_from: str, **fields: object) -> RevocationBatch:
    """Previewed, approved, run, and everything behind it done."""
    batch = approved(previewed(chosen_from, **fields))
    start(batch.pk, ANALYST, now=NOON)
    run_due()
    return get_batch(batch.pk)
