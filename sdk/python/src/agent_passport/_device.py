"""Asking a person for access from where there is no browser (RFC 8628), as flows."""

from collections.abc import Callable
from dataclasses import dataclass, field

from agent_passport import _jws
from agent_passport._errors import IssuerAnswerInvalid, IssuerRefused
from agent_passport._flow import Answer, Flow, Wait
from agent_passport._grants import Held, Session, ask, json_of, make_assertion, read_held
from agent_passport._protocol import DEVICE_CODE, DEVICE_PATH, JWT_BEARER_ASSERTION

_SLOWER_SECONDS = 5
_PENDING, _TOO_SOON = "authorization_pending", "slow_down"
_DEFAULT_INTERVAL_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """What to show to the person; ``device_code`` is secret."""

    device_code: str = field(repr=False)
    user_code: str
    page: str
    page_with_code: str
    interval_seconds: int
    expires_at: float
    """By the issuer's clock, seconds since 1970."""


def ask_a_person(session: Session, audience: str, scopes: frozenset[str]) -> Flow[Asked]:
    """Begin: the answer names the page, and what the person types there. Raises AgentPassportError."""

    def form() -> dict[str, str]:
        fields = {**_client(session), "resource": audience}
        return {**fields, "scope": " ".join(sorted(scopes))} if scopes else fields

    return (yield from ask(session, form, _read_asked, DEVICE_PATH))


def wait_for_the_person(
    session: Session, asked: Asked, read: Callable[[Answer, float], Held] = read_held
) -> Flow[Held]:
    """Until the person has decided, or the code ends. Raises AgentPassportError, also when they said no."""

    def form() -> dict[str, str]:
        return {**_client(session), "grant_type": DEVICE_CODE, "device_code": asked.device_code}

    interval = asked.interval_seconds
    while True:
        yield Wait(interval)
        try:
            return (yield from ask(session, form, read))
        except IssuerRefused as refused:
            if refused.code not in (_PENDING, _TOO_SOON) or session.clock.now() >= asked.expires_at:
                raise
            if refused.code == _TOO_SOON:
                interval += _SLOWER_SECONDS


def _client(session: Session) -> dict[str, str]:
    if session.public:
        return {"client_id": session.client_id}
    return {
        "client_id": session.client_id,
        "client_assertion_type": JWT_BEARER_ASSERTION,
        "client_assertion": make_assertion(session),
    }


def _read_asked(answer: Answer, now: float) -> Asked:
    body = json_of(answer)
    texts = [body.get(name) for name in ("device_code", "user_code", "verification_uri")]
    code, user_code, page = (text if isinstance(text, str) else "" for text in texts)
    interval, life = body.get("interval", _DEFAULT_INTERVAL_SECONDS), body.get("expires_in")
    if not (code and user_code and page and _jws.is_time(interval) and _jws.is_time(life)):
        raise IssuerAnswerInvalid(
            "the issuer named no page for the person", cure="Check the issuer's address"
        )
    whole = body.get("verification_uri_complete")
    page_with_code = whole if isinstance(whole, str) else page
    return Asked(code, user_code, page, page_with_code, int(str(interval)), now + int(str(life)))
