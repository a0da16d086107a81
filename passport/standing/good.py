"""Whether a credential is good right now: the maximum over its five subjects, and their lives. Pure.

Reasons become ``error_uri`` (``ISS/docs/errors#account_suspended``); they say which subject
it is and never who else is restricted.
"""

from dataclasses import dataclass
from datetime import datetime

from attestation import levels
from passport.errors import OAuthError, UnauthorizedClient
from passport.fields import Effect
from passport.services.keys import thumbprints_of
from passport.standing.facts import ActorFacts, KeyFacts, PassportFacts, Standing

SUBJECT_WORDS = {
    "account": "the account that owns the agent",
    "agent": "the agent",
    "key": "the key",
    "passport": "the passport",
    "signing_key": "the key that signed it",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """``reason`` for machines, ``words`` for people."""

    reason: str
    words: str


def check_good(standing: Standing, now: datetime, *, refusal: type[OAuthError] = UnauthorizedClient) -> None:
    """Raises ``refusal`` when any of the subjects of the credential is restricted, closed or out of date.

    A passport or access token that is at fault is ``invalid_request`` at the exchange (RFC
    8693 section 2.2.2), an authenticated agent ``unauthorized_client``: the caller says which.
    """
    fault = find_fault(standing, now)
    if fault is not None:
        raise refusal(fault.words, uri_reason=fault.reason)


def find_fault(standing: Standing, now: datetime) -> Fault | None:
    """The first thing that makes the credential not good, widest subject first; None when it is good."""
    return (
        _restricted("account", standing.account_effect)
        or _closed("account", standing.account_state != "open")
        or _restricted("agent", standing.agent_effect)
        or _closed("agent", standing.agent_state != "active")
        or key_fault(standing.key, now)
        or _passport_fault(standing.passport)
        or signer_fault(standing.signer_state, standing.signer_effect)
        or _token_fault(standing.revoked)
        or next(filter(None, map(_actor_fault, standing.actors)), None)
    )


def _restricted(subject: str, effect: int) -> Fault | None:
    if effect < Effect.SUSPEND:
        return None
    verb = "revoked" if effect >= Effect.REVOKE else "suspended"
    return Fault(f"{subject}_{verb}", f"{SUBJECT_WORDS[subject]} is {verb}")


def _closed(subject: str, closed: bool) -> Fault | None:
    return Fault(f"{subject}_closed", f"{SUBJECT_WORDS[subject]} is closed") if closed else None


def key_fault(key: KeyFacts | None, now: datetime) -> Fault | None:
    if key is None:
        return None
    if fault := _restricted("key", key.effect):
        return fault
    retired = key.retired_at is not None and key.retired_at <= now
    ended = key.not_after is not None and key.not_after <= now
    if retired or ended or key.not_before > now:
        return Fault("key_retired", "the key is retired, or not valid at this time")
    return None


def _passport_fault(passport: PassportFacts | None) -> Fault | None:
    if passport is None:
        return None
    return (
        _restricted("passport", passport.effect)
        or _restricted("key", passport.key_effect)
        or signer_fault(passport.signer_state, passport.signer_effect)
    )


def signer_fault(state: str, effect: int) -> Fault | None:
    """Retired for age is no fault: what it signed has ended before."""
    if state == "leaked":
        return Fault("signing_key_revoked", f"{SUBJECT_WORDS['signing_key']} is revoked")
    return _restricted("signing_key", effect)


def _token_fault(revoked: bool) -> Fault | None:
    return Fault("token_revoked", "the token is revoked") if revoked else None


def _actor_fault(actor: ActorFacts) -> Fault | None:
    good = actor.state == "active" and max(actor.effect, actor.account_effect) < Effect.SUSPEND
    return None if good else Fault("actor_restricted", "an agent that acts is closed, suspended or revoked")


def holds_key(standing: Standing, holder: str, thumbprint: str) -> bool:
    """Whether whoever holds an access token still has the key that it is bound to.

    An agent's own key comes with the standing, good or not; a service's is in its key set.
    """
    service = next((actor for actor in standing.actors if actor.id == holder and actor.key_set), None)
    if service is not None:
        return thumbprint in thumbprints_of(service.key_set)
    return standing.key is not None


def current_levels(standing: Standing, now: datetime) -> tuple[str, str]:
    """The identity and the payment level that count now."""
    held = standing.levels
    return levels.current(held.identity, held.identity_until, held.payment, held.payment_until, now)


def is_observing(standing: Standing, now: datetime) -> bool:
    """Whether limits only observe: they decide and record, and refuse nobody (DESIGN section 6)."""
    return is_paused(standing, "observe_limits", now)


def is_paused(standing: Standing, switch: str, now: datetime) -> bool:
    """Whether a switch for the worst day is on."""
    if switch not in standing.switches:
        return False
    until = standing.switches[switch]
    return until is None or until > now
