"""Who acts for whom: the chain of actors in ``act``. Pure.

A chain is a tuple of agents' ids, the newest first; the claim nests the same order
(RFC 8693 section 4.1). Only the newest has authority, the others are history.
"""

from collections.abc import Mapping
from typing import Any

from passport.errors import InvalidRequest

MAX_DEPTH = 4
"""Deeper chains cannot be judged by a person who reads them, and grow every token. An operator may
set fewer, never more: readers of our tokens count on it."""

Chain = tuple[str, ...]


def parse_act(claim: object) -> Chain:
    """The actors of an ``act`` claim, newest first; () when absent. Raises InvalidRequest.

    Never recursive: a hostile claim must not exhaust the stack.
    """
    actors: list[str] = []
    while claim is not None:
        if not isinstance(claim, Mapping) or not isinstance(claim.get("sub"), str) or not claim["sub"]:
            raise InvalidRequest("act is an object with sub, and at most one act inside")
        actors.append(claim["sub"])
        if len(actors) > MAX_DEPTH:
            raise InvalidRequest(f"act is deeper than {MAX_DEPTH}")
        claim = claim.get("act")
    return tuple(actors)


def parse_may_act(claim: object) -> str | None:
    """Who a ``may_act`` claim names; None when absent. Raises InvalidRequest. RFC 8693 section 4.4."""
    if claim is None:
        return None
    if not isinstance(claim, Mapping) or not isinstance(claim.get("sub"), str) or not claim["sub"]:
        raise InvalidRequest("may_act is an object with sub")
    return str(claim["sub"])


def check_may_act(named: str | None, actor: str) -> None:
    """Raises InvalidRequest where the token names another than ``actor`` (EX-15)."""
    if named is not None and named != actor:
        raise InvalidRequest("may_act of the subject_token names another", uri_reason="actor_not_permitted")


def extend(chain: Chain, *, subject: str, actor: str, most: int = MAX_DEPTH) -> Chain:
    """Let ``actor`` act for ``subject`` after all in ``chain``.

    Raises InvalidRequest when it already acts, when it is the subject itself, or when the
    chain would be deeper than ``most`` (EX-14).
    """
    if actor == subject or actor in chain:
        raise InvalidRequest("an agent cannot appear twice in a chain of actors")
    if len(chain) >= most:
        raise InvalidRequest(f"act would be deeper than {most}")
    return (actor, *chain)


def act_claim(chain: Chain) -> dict[str, Any] | None:
    """The ``act`` claim of a chain; None when nobody acts for another."""
    claim: dict[str, Any] | None = None
    for actor in reversed(chain):
        claim = {"sub": actor} if claim is None else {"sub": actor, "act": claim}
    return claim


def holder(chain: Chain, *, subject: str) -> str:
    """Who may present the token: the newest actor, or the subject itself."""
    return chain[0] if chain else subject
