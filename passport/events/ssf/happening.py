"""What one ledger entry says to the outside, before it is known to whom. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from passport.events.ssf import kinds
from passport.events.ssf.subjects import iss_sub, jwt_id, of_passport

BULK = "bulk-account"
HIJACKED = "hijacking"
"""The reasons that RISC 1.0 section 2.3 knows for an account that is off."""
STOLEN = frozenset({"key_stolen", "stolen_key", "key_leaked", "signing_key_leaked", "hijacked"})


@dataclass(frozen=True, slots=True)
class Happening:
    """One event about one subject. Who hears of it, and under which name the account goes, comes later."""

    kind: str
    members: Mapping[str, Any]
    environment: str
    account_id: str
    agent_id: str = ""
    """Empty: about the account as a whole."""
    passport: str = ""
    """The jti of the passport it is about."""
    token: str = ""
    """The jti of the access token it is about."""
    audience: str = ""
    """The only service that knows of it; empty: every one that has seen whom it is about."""
    txn: str = ""

    @property
    def order_key(self) -> str:
        """All that touches one account goes out in order."""
        return self.account_id or self.agent_id


def subject_of(happening: Happening, issuer: str, account: str) -> dict[str, Any]:
    """``account`` is the pairwise name that the receiver knows."""
    if happening.token:
        return jwt_id(issuer, happening.token)
    if happening.passport:
        return of_passport(issuer, happening.passport, happening.agent_id, account)
    return iss_sub(issuer, happening.agent_id or account)


@dataclass(frozen=True, slots=True)
class Cause:
    """What is the same for all events of an entry."""

    at: datetime
    txn: str
    initiator: str
    """``admin user policy system``."""
    effect: str
    bulk: bool
    """A batch over linked accounts."""
    reason: str
    """The code: decides words, is never told."""

    def caep(self, words: str) -> dict[str, Any]:
        """The members that every CAEP event may have (CAEP 1.0 section 2), with what people read.

        The words are ours for each case: reason codes and notes of the staff stay in the house.
        """
        return {
            "event_timestamp": int(self.at.timestamp()),
            "initiating_entity": self.initiator,
            "reason_admin": {"en": words},
        }


@dataclass(frozen=True, slots=True)
class Whom:
    """A subject of a restriction with all that its events name."""

    type: str
    """A value of ``Restriction.Subject``, but for the signing key, which stands for its passports."""
    environment: str
    account_id: str
    agent_id: str = ""
    passport: str = ""

    def says(self, kind: str, members: Mapping[str, Any], cause: Cause) -> Happening:
        return Happening(
            kind=kind,
            members=members,
            environment=self.environment,
            account_id=self.account_id,
            agent_id=self.agent_id,
            passport=self.passport,
            txn=cause.txn,
        )


OFF_WORDS = {
    "account": "The account behind the agent is {}.",
    "agent": "The agent is {}.",
    "key": "A key of the agent is {}.",
    "passport": "A passport of the agent is {}.",
}
DONE = {"suspend": "suspended", "revoke": "revoked", "throttle": "throttled"}
USER_WORDS = {"en": "Ask whoever runs the agent: the issuer told them why and what to do."}


def placed(whom: Whom, cause: Cause) -> list[Happening]:
    """The events of a restriction."""
    if cause.effect == "throttle":
        return [whom.says(kinds.RISK_CHANGE, _risk(whom, cause, "MEDIUM", "LOW"), cause)]
    words = OFF_WORDS[whom.type].format(DONE[cause.effect])
    if whom.type == "key":
        told = [whom.says(kinds.CREDENTIAL_CHANGE, credential(cause, "revoke", "agent key", words), cause)]
        return [*_stolen(whom, cause, words), *told]
    revoked = whom.says(kinds.SESSION_REVOKED, {**cause.caep(words), "reason_user": dict(USER_WORDS)}, cause)
    if whom.type == "account":
        reason = BULK if cause.bulk else HIJACKED if cause.reason in STOLEN else ""
        return [whom.says(kinds.ACCOUNT_DISABLED, {"reason": reason} if reason else {}, cause), revoked]
    if whom.type == "passport" and cause.effect == "revoke":
        change = credential(cause, "revoke", "agent passport", words)
        return [revoked, whom.says(kinds.CREDENTIAL_CHANGE, change, cause)]
    return [revoked]


def lifted(whom: Whom, cause: Cause) -> list[Happening]:
    """The events when nothing denies the subject any more."""
    if cause.effect == "throttle":
        return [whom.says(kinds.RISK_CHANGE, _risk(whom, cause, "LOW", "MEDIUM"), cause)]
    if whom.type == "account":
        return [whom.says(kinds.ACCOUNT_ENABLED, {}, cause)]
    name = "agent key" if whom.type == "key" else "agent passport"
    change = credential(cause, "create", name, "A restriction was taken back: it is good again.")
    return [whom.says(kinds.CREDENTIAL_CHANGE, change, cause)]


def credential(cause: Cause, change: str, name: str, words: str) -> dict[str, Any]:
    return {
        "credential_type": kinds.CREDENTIAL_TYPE,
        "change_type": change,
        "friendly_name": name,
        **cause.caep(words),
    }


def assurance(
    cause: Cause, namespace: str, before: str, after: str, ladder: tuple[str, ...]
) -> dict[str, Any]:
    """The members of a changed level (CAEP 1.0 section 3.3)."""
    return {
        "namespace": namespace,
        "current_level": after,
        "previous_level": before,
        "change_direction": "increase" if ladder.index(after) > ladder.index(before) else "decrease",
        **cause.caep("What was proven about the account has changed."),
    }


def _risk(whom: Whom, cause: Cause, current: str, previous: str) -> dict[str, Any]:
    said = "A limit below its own was set." if current == "MEDIUM" else "It has its own limits again."
    return {
        "principal": "USER" if whom.type == "account" else "SESSION",
        "current_level": current,
        "previous_level": previous,
        "risk_reason": "throttled" if current == "MEDIUM" else "throttle_ended",
        **cause.caep(said),
    }


def _stolen(whom: Whom, cause: Cause, words: str) -> list[Happening]:
    if cause.reason not in STOLEN:
        return []
    members = {"credential_type": kinds.CREDENTIAL_TYPE, "reason_admin": {"en": words}}
    return [whom.says(kinds.CREDENTIAL_COMPROMISE, members, cause)]
