"""What a credential may become: target, scopes, life, limits. Pure; whatever is asked, nothing is gained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from attestation import levels
from passport.errors import InvalidRequest, InvalidScope, InvalidTarget

ACCESS_TOKEN_LIFE = timedelta(minutes=5)
"""The longest that a revocation can go unnoticed by who checks signature and expiry alone."""
LEAST_LIFE = timedelta(seconds=5)
"""A token that ends sooner would be refused on arrival by a clock that is a little ahead."""
SCOPE_BYTES = 4096
TARGET_CHARACTERS = 512
SCOPE_ALPHABET = frozenset(map(chr, range(0x21, 0x7F))) - {'"', "\\"}
"""RFC 6749 section 3.3."""


@dataclass(frozen=True, slots=True)
class Needs:
    """The least levels that a scope asks of the agent's owner."""

    identity: str
    payment: str


@dataclass(frozen=True, slots=True)
class Target:
    """The service that the new token is for, and what the agent was granted there."""

    audience: str
    environment: str
    enabled: bool
    offered: Mapping[str, Needs]
    granted: frozenset[str]


@dataclass(frozen=True, slots=True)
class Held:
    """What the presenter brings: the scopes and end of its token, its owner's current levels."""

    scopes: frozenset[str]
    expires_at: datetime
    environment: str
    identity: str
    payment: str


@dataclass(frozen=True, slots=True)
class Granted:
    scopes: frozenset[str]
    audience: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Limit:
    """``quota`` cost units in ``window_seconds`` of one scope, under the name that clients see."""

    scope: str
    policy: str
    quota: int
    window_seconds: int


def parse_scopes(raw: str | None) -> frozenset[str] | None:
    """The asked scopes; None when none were named. Raises InvalidScope. RFC 6749 section 3.3."""
    if not raw:
        return None
    if len(raw) > SCOPE_BYTES:
        raise InvalidScope(f"scope is longer than {SCOPE_BYTES} bytes")
    names = raw.split(" ")
    if not all(names) or not SCOPE_ALPHABET.issuperset(raw.replace(" ", "")):
        raise InvalidScope("scope is a list of printable ASCII names, separated by single spaces")
    return frozenset(names)


def parse_target(resources: Sequence[str], audiences: Sequence[str]) -> str:
    """The one target of ``resource`` (an absolute URI) and ``audience`` (a name).

    Raises InvalidTarget for none, for two different ones, and for a resource that is not
    an absolute URI without fragment. RFC 8707 section 2, RFC 8693 section 2.1.
    """
    named = set(resources) | set(audiences)
    if not named:
        raise InvalidTarget("name the service by resource")
    if len(named) > 1:
        raise InvalidTarget("a token is for one service: name one resource")
    for resource in resources:
        if not is_absolute_uri(resource):
            raise InvalidTarget("resource is an absolute URI without fragment")
    (target,) = named
    if len(target) > TARGET_CHARACTERS or "\0" in target:
        raise InvalidTarget("no service is registered under that name")
    return target


def is_absolute_uri(value: str) -> bool:
    """RFC 3986 section 4.3: a scheme, something behind it, no fragment."""
    if "#" in value or not value.isascii() or any(character <= " " for character in value):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.path))


def narrow(held: Held, asked: frozenset[str] | None, target: Target | None, *, now: datetime) -> Granted:
    """Decide scope, audience and life of the new token.

    Without ``asked`` it gets all that is held for the target and that the owner's levels
    bear. Life is the shorter of five minutes and what is left of ``held``.

    Raises InvalidTarget for a service out of reach, InvalidScope for a scope beyond what is
    held, granted or offered, or above the levels, naming it; InvalidRequest when less than
    five seconds are left. RFC 8693 section 2.2.2, RFC 8707 section 2.
    """
    reachable = check_target(held, target)
    scopes = choose_scopes(held, asked, reachable)
    return Granted(scopes, reachable.audience, clip_life(held.expires_at, now=now))


def check_target(held: Held, target: Target | None) -> Target:
    if target is None or not target.enabled:
        raise InvalidTarget("no service is registered under that name, or it is disabled")
    if target.environment != held.environment:
        raise InvalidTarget(f"a {held.environment} agent cannot reach a {target.environment} service")
    if not target.granted:
        raise InvalidTarget("the agent was granted nothing at that service")
    return target


def choose_scopes(held: Held, asked: frozenset[str] | None, target: Target) -> frozenset[str]:
    allowed = held.scopes & target.granted & target.offered.keys()
    if asked is None:
        return default_scopes(held, allowed, target)
    if excess := asked - allowed:
        raise InvalidScope(f"not held or not offered: {' '.join(sorted(excess))}")
    for scope in sorted(asked):
        if lacking := lacks(held, target.offered[scope]):
            raise InvalidScope(f"{scope} asks for {lacking}", uri_reason="assurance_too_low")
    return asked


def default_scopes(held: Held, allowed: frozenset[str], target: Target) -> frozenset[str]:
    """No scope was asked, so none is narrowed: the answer names what the levels bear."""
    if not allowed:
        raise InvalidScope("the token and the service have no scope in common")
    borne = frozenset(scope for scope in allowed if not lacks(held, target.offered[scope]))
    if not borne:
        scope = min(allowed)
        lacking = lacks(held, target.offered[scope])
        raise InvalidScope(f"{scope} asks for {lacking}", uri_reason="assurance_too_low")
    return borne


def lacks(held: Held, needs: Needs) -> str:
    """What the owner's levels are short of, in words; empty when they suffice."""
    return " and ".join(levels.missing(held.identity, held.payment, needs.identity, needs.payment))


def clip_life(held_until: datetime, *, now: datetime) -> datetime:
    """The end of the new token, in whole seconds. Raises InvalidRequest when it would end at once."""
    ends_at = min(held_until, now + ACCESS_TOKEN_LIFE).replace(microsecond=0)
    if ends_at - now < LEAST_LIFE:
        raise InvalidRequest(
            "the subject token ends in less than five seconds", uri_reason="subject_token_ending"
        )
    return ends_at


def clip_limits(held: Sequence[Limit], current: Sequence[Limit]) -> list[Limit]:
    """``current`` limits, none wider than what the subject token says of the same policy.

    "Wider" compares rates: a policy whose window changed is clipped by units a second.
    """
    known = {(limit.scope, limit.policy): limit for limit in held}
    return [min_limit(known.get((limit.scope, limit.policy)), limit) for limit in current]


def min_limit(held: Limit | None, current: Limit) -> Limit:
    if held is None:
        return current
    # Cross-multiplied: held.quota / held.window < current.quota / current.window.
    narrower = held.quota * current.window_seconds < current.quota * held.window_seconds
    return held if narrower else current
