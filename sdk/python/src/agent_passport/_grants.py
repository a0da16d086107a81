"""The two requests of an agent to the token endpoint, as flows: passport, and exchange.

Each attempt signs a new assertion and a new proof: the server takes a ``jti`` once.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from agent_passport import _jws, _retry
from agent_passport._clock import IssuerClock
from agent_passport._dpop import make_proof
from agent_passport._errors import IssuerAnswerInvalid, IssuerRefused, IssuerUnreachable, refused
from agent_passport._flow import Answer, Flow, Send, Wait
from agent_passport._keys import AgentKey
from agent_passport._protocol import (
    ACCESS_TOKEN_TYPE,
    ASSERTION_TYP,
    JWT_BEARER_ASSERTION,
    PASSPORT_TYPE,
    TOKEN_EXCHANGE,
    TOKEN_PATH,
)

Result = TypeVar("Result")
ASSERTION_SECONDS = 60
_MENDED_BY_THE_CLOCK = frozenset({"invalid_client", "invalid_dpop_proof", "use_dpop_nonce"})


@dataclass(frozen=True, slots=True)
class Held:
    """A token as it was issued. ``value`` is secret; it is not in the representation."""

    value: str = field(repr=False)
    received_at: float
    expires_at: float
    """Both by the issuer's clock, seconds since 1970."""
    scopes: frozenset[str]
    token_type: str


@dataclass(slots=True)
class Session:
    """What an agent knows for talking to its issuer. Shared by all its flows."""

    issuer: str
    client_id: str
    key: AgentKey = field(repr=False)
    clock: IssuerClock
    nonce: str | None = None
    """The last ``DPoP-Nonce`` of the issuer."""
    public: bool = False
    """The client does not authenticate: its key only binds what it gets."""


def obtain_passport(session: Session) -> Flow[Held]:
    """Client credentials with ``private_key_jwt`` and a proof. Raises AgentPassportError."""

    def form() -> dict[str, str]:
        return {
            "grant_type": "client_credentials",
            "client_assertion_type": JWT_BEARER_ASSERTION,
            "client_assertion": make_assertion(session),
            "requested_token_type": PASSPORT_TYPE,
        }

    return (yield from ask(session, form, read_held))


def exchange(session: Session, passport: str, audience: str, scopes: frozenset[str]) -> Flow[Held]:
    """RFC 8693: the passport for an access token. No scopes: all that is held for this audience.

    Raises AgentPassportError.
    """
    fields = {"subject_token": passport, "subject_token_type": PASSPORT_TYPE}
    return (yield from ask(session, lambda: _exchange_form(fields, audience, scopes), read_held))


def act_for(
    session: Session, handed_on: str, passport: str, audience: str, scopes: frozenset[str]
) -> Flow[Held]:
    """RFC 8693 section 4.1: another's access token for one in which this agent is the actor.

    The agent shows its passport as ``actor_token`` and proves its own key. Raises AgentPassportError.
    """
    fields = {
        "subject_token": handed_on,
        "subject_token_type": ACCESS_TOKEN_TYPE,
        "actor_token": passport,
        "actor_token_type": PASSPORT_TYPE,
    }
    return (yield from ask(session, lambda: _exchange_form(fields, audience, scopes), read_held))


def _exchange_form(fields: Mapping[str, str], audience: str, scopes: frozenset[str]) -> dict[str, str]:
    target = "resource" if "://" in audience else "audience"
    form = {
        "grant_type": TOKEN_EXCHANGE,
        "requested_token_type": ACCESS_TOKEN_TYPE,
        target: audience,
        **fields,
    }
    return {**form, "scope": " ".join(sorted(scopes))} if scopes else form


def make_assertion(session: Session) -> str:
    """RFC 7523 with the one audience that rfc7523bis leaves: the issuer."""
    now = int(session.clock.now())
    claims = {
        "iss": session.client_id,
        "sub": session.client_id,
        "aud": session.issuer,
        "iat": now,
        "exp": now + ASSERTION_SECONDS,
        "jti": secrets.token_urlsafe(16),
    }
    return _jws.build(session.key, {"typ": ASSERTION_TYP}, claims)


def ask(
    session: Session,
    form: Callable[[], dict[str, str]],
    read: Callable[[Answer, float], Result],
    path: str = TOKEN_PATH,
) -> Flow[Result]:
    """One request, tried again where that helps; ``read`` takes the good answer.

    Raises AgentPassportError.
    """
    waited = 0.0
    mended: set[str] = set()
    for attempt in range(_retry.ATTEMPTS * 2):
        try:
            answer = yield _request(session, form, path)
            assert answer is not None
        except IssuerUnreachable:
            pause = _retry.wait_for(attempt, None, waited)
            if pause is None:
                raise
        else:
            moved = _learn(session, answer)
            if answer.status == 200:
                return read(answer, session.clock.now())
            refusal = _refusal(answer, session.clock.now())
            if cause := _mend(refusal, answer, moved):
                # Once for each cause: a server that repeats itself is not asked for ever.
                if cause in mended:
                    raise refusal
                mended.add(cause)
                continue
            retry = answer.status in _retry.BUSY
            pause = _retry.wait_for(attempt, refusal.retry_after, waited) if retry else None
            if pause is None:
                raise refusal
        waited += pause
        yield Wait(pause)
    raise AssertionError("the attempts are counted in wait_for")


def _request(session: Session, form: Callable[[], dict[str, str]], path: str) -> Send:
    url = session.issuer + path
    proof = make_proof(session.key, "POST", url, now=session.clock.now(), nonce=session.nonce)
    return Send("POST", url, {"DPoP": proof, "Accept": "application/json"}, form())


def _learn(session: Session, answer: Answer) -> bool:
    session.nonce = answer.headers.get("DPoP-Nonce", session.nonce)
    return session.clock.learn(answer.headers.get("Date"))


def _mend(refusal: IssuerRefused, answer: Answer, clock_moved: bool) -> str:
    """What the answer taught that makes a second try worth while; empty when nothing."""
    if clock_moved and refusal.code in _MENDED_BY_THE_CLOCK:
        return "clock"
    if refusal.code == "use_dpop_nonce" and "DPoP-Nonce" in answer.headers:
        return "nonce"
    return ""


def json_of(answer: Answer) -> dict[str, Any]:
    try:
        body = json.loads(answer.body)
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {}


def _refusal(answer: Answer, now: float) -> IssuerRefused:
    retry_after = _retry.parse_retry_after(answer.headers.get("Retry-After"), now=now)
    body = json_of(answer)
    if "error" not in body and answer.status in _retry.BUSY:
        body = {"error": "temporarily_unavailable", "error_description": f"HTTP {answer.status}"}
    if "error" not in body:
        body = {"error": "invalid_answer", "error_description": f"HTTP {answer.status} without an error"}
    return refused(body, status=answer.status, retry_after=retry_after)


def read_held(answer: Answer, now: float) -> Held:
    """A token from the answer of the token endpoint. Raises IssuerAnswerInvalid."""
    body = json_of(answer)
    token, expires_in, scope = (body.get(name) for name in ("access_token", "expires_in", "scope"))
    token_type = body.get("token_type")
    known = isinstance(token, str) and token.isascii() and isinstance(token_type, str)
    if not known or not _jws.is_time(expires_in):
        raise IssuerAnswerInvalid(
            "the token endpoint answered without a token", cure="Check that the issuer's address is right"
        )
    scopes = frozenset(scope.split()) if isinstance(scope, str) else frozenset()
    return Held(str(token), now, now + int(str(expires_in)), scopes, str(token_type))
