"""From ledger entries to happenings. An entry about many is taken in parts that one transaction can hold."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from accounts.owners.models import Membership
from attestation.levels import IDENTITY, PAYMENT
from foundation.ledger.read import Placed
from passport.agents.models import Agent
from passport.credentials.models import IssueRecord, Passport
from passport.events.ssf import kinds
from passport.events.ssf.happening import Cause, Happening, assurance, credential, lifted, placed
from passport.events.ssf.standing import still_denied
from passport.events.ssf.whom import found
from passport.restrictions.models import Restriction
from passport.restrictions.subjects import SubjectRef
from passport.revocation.models import RevocationBatch

AT_ONCE = 500
"""Subjects of one part."""


class Part(NamedTuple):
    happenings: list[Happening]
    rest: str
    """Where the next part begins; empty when this was the last."""


def is_told(entry: Placed) -> bool:
    """Whether this kind of entry says anything to a receiver. The parts of a batch repeat the batch."""
    return entry.type in TOLD and "part_of" not in entry.payload


def translate(entry: Placed, part: str, issuer: str) -> Part:
    """One part of what an entry says; a handful of queries for each."""
    return TOLD[entry.type](entry, part, issuer)


def _restriction(entry: Placed, part: str, issuer: str) -> Part:
    refs, rest = _subjects(entry, part)
    cause = _cause(entry)
    environment = str(entry.payload.get("environment", ""))
    whom = found(refs, environment)
    if entry.type == "restriction.placed":
        return Part([one for each in whom for one in placed(each, cause)], rest)
    if cause.effect != "throttle":
        denied = still_denied(whom)
        whom = [each for each in whom if each not in denied]
    return Part([one for each in whom for one in lifted(each, cause)], rest)


def _subjects(entry: Placed, part: str) -> tuple[list[SubjectRef], str]:
    """The next subjects of a restriction: of a batch its own rows, else those that the entry names."""
    if batch_id := entry.payload.get("batch"):
        rows = Restriction.objects.filter(batch_id=batch_id, pk__gt=int(part or 0))
        if entry.type == "restriction.lifted":
            rows = rows.filter(lifted_at=entry.at)
        held = list(
            rows.order_by("pk").values_list("pk", "subject_type", "subject_id", "account_id")[:AT_ONCE]
        )
        rest = str(held[-1][0]) if len(held) == AT_ONCE else ""
        return [SubjectRef(*names) for _, *names in held], rest
    named = [
        SubjectRef(kind, name, "")
        for kind, names in sorted(entry.payload.get("subjects", {}).items())
        for name in names
    ]
    if len(named) == 1 and named[0].type == Restriction.Subject.SIGNING_KEY:
        return _signed_by(named[0].id, part, entry)
    first = int(part or 0)
    rest = str(first + AT_ONCE) if len(named) > first + AT_ONCE else ""
    return named[first : first + AT_ONCE], rest


def _signed_by(kid: str, part: str, entry: Placed) -> tuple[list[SubjectRef], str]:
    """A signing key stands for the living passports that bear its signature."""
    rows = Passport.objects.filter(signing_key_id=kid, expires_at__gt=entry.at, jti__gt=part)
    held = list(rows.order_by("jti").values_list("jti", "account_id")[:AT_ONCE])
    rest = held[-1][0] if len(held) == AT_ONCE else ""
    return [SubjectRef(Restriction.Subject.PASSPORT, *names) for names in held], rest


def _cause(entry: Placed) -> Cause:
    batch_id = str(entry.payload.get("batch", ""))
    bulk = bool(batch_id) and RevocationBatch.objects.filter(pk=batch_id, accounts_hit__gt=1).exists()
    return Cause(
        at=entry.at,
        txn=batch_id or f"ledger:{entry.number}",
        initiator=_initiator(entry, in_batch=bool(batch_id)),
        effect=str(entry.payload.get("effect", "revoke")),
        bulk=bulk,
        reason=entry.reason,
    )


def _initiator(entry: Placed, *, in_batch: bool) -> str:
    """In the words of CAEP 1.0 section 2."""
    part, _, name = entry.actor.partition(":")
    if part == "agent":
        return "user"
    if part == "user":
        members = Membership.objects.filter(user_id=name, account_id__in=entry.subject_ids)
        return "user" if not in_batch and members.exists() else "admin"
    return "policy" if name in {"responses", "quarantine"} else "system"


def _of_passport(change: str, words: str) -> Callable[[Placed, str, str], Part]:
    def told(entry: Placed, part: str, issuer: str) -> Part:
        cause = _cause(entry)
        refs = [SubjectRef(Restriction.Subject.PASSPORT, entry.subject_ids[0], "")]
        members = credential(cause, change, "agent passport", words)
        return Part([each.says(kinds.CREDENTIAL_CHANGE, members, cause) for each in found(refs, "")], "")

    return told


def _of_key(change: str, words: str) -> Callable[[Placed, str, str], Part]:
    def told(entry: Placed, part: str, issuer: str) -> Part:
        cause = _cause(entry)
        refs = [SubjectRef(Restriction.Subject.KEY, entry.subject_ids[0], "")]
        members = credential(cause, change, "agent key", words)
        return Part([each.says(kinds.CREDENTIAL_CHANGE, members, cause) for each in found(refs, "")], "")

    return told


def _agent_closed(entry: Placed, part: str, issuer: str) -> Part:
    cause = _cause(entry)
    refs = [SubjectRef(Restriction.Subject.AGENT, entry.subject_ids[0], "")]
    members = cause.caep("The agent was closed by its owner.")
    return Part([each.says(kinds.SESSION_REVOKED, members, cause) for each in found(refs, "")], "")


def _token_revoked(entry: Placed, part: str, issuer: str) -> Part:
    """Only where it is known for which service the token was."""
    cause = _cause(entry)
    record = IssueRecord.objects.filter(jti=entry.subject_ids[0]).first()
    if record is None:
        return Part([], "")
    agent = Agent.objects.filter(client_id=record.agent).first()
    if agent is None:
        return Part([], "")
    revoked = Happening(
        kind=kinds.SESSION_REVOKED,
        members=cause.caep("The agent gave the token back."),
        environment=agent.environment,
        account_id=record.account_id,
        agent_id=record.agent,
        token=record.jti,
        audience=record.audience,
        txn=cause.txn,
    )
    return Part([revoked], "")


def _levels(entry: Placed, part: str, issuer: str) -> Part:
    """One event for each ladder on which the account stands elsewhere now."""
    held: Mapping[str, object] = entry.payload
    before = held.get("before")
    if not isinstance(before, Mapping):
        return Part([], "")
    cause, told = _cause(entry), []
    for name, ladder in (("identity", IDENTITY), ("payment", PAYMENT)):
        was, now = str(before.get(name)), str(held.get(name))
        if was == now or not {was, now} <= set(ladder):
            continue
        members = assurance(cause, f"{issuer}/assurance/{name}", was, now, ladder)
        told.append(_about_account(entry.subject_ids, str(held.get("environment")), members, cause))
    return Part(told, "")


def _about_account(
    subject_ids: Sequence[str], environment: str, members: Mapping[str, object], cause: Cause
) -> Happening:
    account_id = subject_ids[1]
    return Happening(
        kind=kinds.ASSURANCE_CHANGE,
        members=members,
        environment=environment,
        account_id=account_id,
        txn=cause.txn,
    )


TOLD: Mapping[str, Callable[[Placed, str, str], Part]] = {
    "restriction.placed": _restriction,
    "restriction.lifted": _restriction,
    "passport.issued": _of_passport("create", "A passport was issued."),
    "passport.renewed": _of_passport("update", "A passport was renewed."),
    "key.added": _of_key("create", "A key was added."),
    "key.retired": _of_key("delete", "A key was retired."),
    "agent.closed": _agent_closed,
    "token.revoked": _token_revoked,
    "attestation.changed": _levels,
}
