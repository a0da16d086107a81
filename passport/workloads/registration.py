"""Workloads come and go with their owner's word, and bind keys where it was allowed. The only writer here.

A workload is named by its issuer and its exact subject: a pattern would one day fit a branch or
a namespace that a stranger may choose.
"""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction

from foundation.ledger.append import append
from passport.agents.keys import PublicKey
from passport.agents.models import Agent, AgentKey
from passport.agents.registration import in_use, insert_key, lock_open, retire_key
from passport.workloads.models import WorkloadIssuer, WorkloadKey

MOST_WORKLOADS = 20
"""For one agent."""
MOST_BOUND = 20
"""Keys of one workload that are good at once: more jobs in a day share a key, or wait."""
BOUND_LIFE = timedelta(hours=24)
"""A job of an hour needs no more, and a key that nobody keeps should not outlive it by much."""
MAX_ISSUER, MAX_SUBJECT = 255, 512

Kind = WorkloadIssuer.Kind
BEGINS = {Kind.GITHUB: "repo:", Kind.KUBERNETES: "system:serviceaccount:", Kind.SPIFFE: "spiffe://"}
"""How the subjects of each kind begin: one of another kind is a slip of the owner's."""


class WorkloadRefused(ValueError):
    """The message may be shown to the owner."""


def add_workload(
    agent: Agent, *, kind: str, issuer: str, subject: str, binds_keys: bool, by: str, now: datetime
) -> WorkloadIssuer:
    """Let that workload ask for the agent's passport. Raises WorkloadRefused, Closed."""
    check_issuer(issuer)
    check_subject(Kind(kind), subject)
    with transaction.atomic():
        lock_open(agent)
        known = WorkloadIssuer.objects.filter(agent=agent, removed_at=None)
        if known.count() >= MOST_WORKLOADS:
            raise WorkloadRefused(f"an agent has at most {MOST_WORKLOADS} workloads: remove one first")
        if known.filter(issuer=issuer, subject=subject).exists():
            raise WorkloadRefused("this workload is registered already")
        workload = WorkloadIssuer.objects.create(
            agent=agent, kind=kind, issuer=issuer, subject=subject, binds_keys=binds_keys,
            added_by=by, added_at=now,
        )  # fmt: skip
        append(
            "workload.added",
            actor=by,
            subject_ids=[workload.pk, agent.client_id, agent.account_id],
            payload={"kind": kind, "issuer": issuer, "subject": subject, "binds_keys": binds_keys},
            at=now,
        )
    return workload


def remove_workload(agent: Agent, workload_id: str, *, by: str, now: datetime) -> bool:
    """It gets no passport any more, and the keys that it bound are retired with it. Twice is once."""
    with transaction.atomic():
        rows = WorkloadIssuer.objects.filter(pk=workload_id, agent=agent, removed_at=None)
        if not rows.update(removed_at=now):
            return False
        for key in bound_keys(workload_id):
            retire_key(key, actor=by, now=now)
        append(
            "workload.removed",
            actor=by,
            subject_ids=[workload_id, agent.client_id, agent.account_id],
            at=now,
        )
    return True


def find_workload(client_id: str, issuer: str, subject: str) -> WorkloadIssuer | None:
    """The one that this agent registered, byte for byte. One query."""
    return (
        WorkloadIssuer.objects.select_related("agent")
        .filter(agent__client_id=client_id, issuer=issuer, subject=subject, removed_at=None)
        .first()
    )


def bind_key(workload: WorkloadIssuer, key: PublicKey, *, now: datetime) -> AgentKey:
    """Make a key that the workload proved the agent's own for a day, in the caller's transaction.

    Raises WorkloadRefused when it has bound too many, or was removed; KeyInUse, Closed.
    """
    lock_open(workload.agent)
    if not WorkloadIssuer.objects.filter(pk=workload.pk, removed_at=None, binds_keys=True).exists():
        raise WorkloadRefused("the owner has not allowed this workload to bring keys of its own")
    good = [row for row in bound_keys(workload.pk) if row.not_after is None or row.not_after > now]
    if len(good) >= MOST_BOUND:
        raise WorkloadRefused(f"the workload has bound {MOST_BOUND} keys within a day: use one of them")
    actor = f"agent:{workload.agent.client_id}"
    try:
        with transaction.atomic():
            row = insert_key(workload.agent, key, actor=actor, now=now, not_after=now + BOUND_LIFE)
    except IntegrityError as taken:
        raise in_use(key, taken) from None
    WorkloadKey.objects.create(key=row, workload=workload)
    return row


def bound_keys(workload_id: str) -> list[AgentKey]:
    """Those not retired, oldest first."""
    rows = WorkloadKey.objects.filter(workload=workload_id, key__retired_at=None).select_related("key__agent")
    return [row.key for row in rows.order_by("key__created_at")]


def check_issuer(issuer: str) -> None:
    """An https URL without query and fragment, as OpenID Connect Discovery has it. Raises WorkloadRefused."""
    try:
        parts = urlsplit(issuer)
        good = bool(parts.scheme == "https" and parts.hostname and parts.port != 0)
    except ValueError:
        good = False
    if not good or len(issuer) > MAX_ISSUER or not issuer.isascii() or not issuer.isprintable():
        raise WorkloadRefused("the issuer is an https URL, exactly as in iss of its tokens")
    if "@" in parts.netloc or "?" in issuer or "#" in issuer or " " in issuer:
        raise WorkloadRefused("the issuer has no user, query or fragment")


def check_subject(kind: Kind, subject: str) -> None:
    """Exact, printable, of its kind. Raises WorkloadRefused."""
    if not 1 <= len(subject) <= MAX_SUBJECT or not subject.isprintable():
        raise WorkloadRefused(
            f"the subject is 1 to {MAX_SUBJECT} characters, exactly as in sub of its tokens"
        )
    if "*" in subject:
        raise WorkloadRefused("the subject is matched exactly: name each workload, without a pattern")
    if not subject.startswith(BEGINS.get(kind, "")):
        raise WorkloadRefused(f"subjects of {kind.label} begin with {BEGINS[kind]}")
