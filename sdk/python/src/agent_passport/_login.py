"""A person's login for managing an account: asked for by device (RFC 8628), kept on disk, refreshed when due.

The file holds a key of its own and a refresh token that is bound to it, mode 0600. Who copies only
the tokens has nothing: every call needs a proof by that key.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from agent_passport import _files
from agent_passport._clock import IssuerClock
from agent_passport._device import Asked, ask_a_person, wait_for_the_person
from agent_passport._errors import ConfigurationError, IssuerRefused, KeyFileError
from agent_passport._flow import Answer, Flow, check_issuer, run
from agent_passport._grants import Held, Session, ask, json_of, read_held
from agent_passport._keys import AgentKey
from agent_passport._protocol import API_RESOURCE_PATH, CLI_CLIENT_ID, REVOKE_PATH

SCOPES = "account.read agents.read agents.write services.read services.write"
_MARGIN_SECONDS = 20.0
_AGAIN = "Log in: agent-passport login --issuer ISSUER"


@dataclass(slots=True)
class Login:
    """What is kept. The tokens and the key are secret; they are not in the representation."""

    session: Session = field(repr=False)
    held: Held = field(repr=False)
    refresh_token: str = field(repr=False)


def log_in(issuer: str, scope: str, show: Callable[[Asked], None], client: httpx.Client) -> Login:
    """Ask the person, wait for their decision. Raises AgentPassportError, also when they said no."""
    session = _session(check_issuer(issuer), AgentKey.generate())
    audience = session.issuer + API_RESOURCE_PATH
    asked = run(ask_a_person(session, audience, frozenset(scope.split())), client)
    show(asked)
    found = Login(session, Held("", 0, 0, frozenset(), ""), "")

    def read(answer: Answer, now: float) -> Held:
        found.refresh_token = _refresh_token(answer)
        return read_held(answer, now)

    found.held = run(wait_for_the_person(session, asked, read), client)
    return found


def refreshed(login: Login, client: httpx.Client) -> bool:
    """Get a new access token where the old one is about to end. True: the login changed, keep it.

    Raises AgentPassportError; ConfigurationError where the person has to log in again.
    """
    if login.held.expires_at - _MARGIN_SECONDS > login.session.clock.now():
        return False
    try:
        run(_refresh(login), client)
    except IssuerRefused as refused:
        if refused.code != "invalid_grant":
            raise
        raise ConfigurationError(f"the login has ended: {refused.description}", cure=_AGAIN) from refused
    return True


def end(login: Login, client: httpx.Client) -> None:
    """Tell the issuer that the login is over: all that came of it ends. Raises AgentPassportError."""
    form = {"client_id": CLI_CLIENT_ID, "token": login.refresh_token}
    run(ask(login.session, lambda: form, lambda answer, now: None, REVOKE_PATH), client)


class LoginStore:
    """One file for each issuer, in ``AGENT_PASSPORT_HOME`` or ``~/.config/agent-passport``."""

    def __init__(self, issuer: str) -> None:
        home = os.environ.get("AGENT_PASSPORT_HOME") or "~/.config/agent-passport"
        name = hashlib.sha256(issuer.encode()).hexdigest()[:16]
        self.path = Path(home).expanduser() / f"login-{name}.json"
        self._issuer = issuer

    def load(self) -> Login:
        """Raises ConfigurationError where there is none, or it cannot be read."""
        try:
            kept = json.loads(self.path.read_text(encoding="utf-8"))
            if kept["issuer"] != self._issuer:
                raise KeyError("issuer")
            session = _session(self._issuer, AgentKey.from_jwk(kept["key"]))
            held = Held(
                str(kept["access_token"]), 0, float(kept["expires_at"]), frozenset(kept["scopes"]), "DPoP"
            )
            return Login(session, held, str(kept["refresh_token"]))
        except FileNotFoundError:
            raise ConfigurationError(
                f"nobody is logged in at {self._issuer}", cure=_AGAIN.replace("ISSUER", self._issuer)
            ) from None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ConfigurationError(
                f"{self.path} cannot be read", cure="Delete it and log in again"
            ) from error

    def save(self, login: Login) -> None:
        """Raises KeyFileError."""
        contents = {
            "issuer": login.session.issuer,
            "key": login.session.key.private_jwk(),
            "refresh_token": login.refresh_token,
            "access_token": login.held.value,
            "expires_at": login.held.expires_at,
            "scopes": sorted(login.held.scopes),
        }
        try:
            _files.replace(self.path, json.dumps(contents) + "\n")
        except OSError as error:
            raise KeyFileError(f"{self.path}: {error.strerror}", cure="Check the folder") from error

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)


def _session(issuer: str, key: AgentKey) -> Session:
    return Session(issuer, CLI_CLIENT_ID, key, IssuerClock(), public=True)


def _refresh(login: Login) -> Flow[None]:
    def form() -> dict[str, str]:
        fields = {"grant_type": "refresh_token", "refresh_token": login.refresh_token}
        return {**fields, "client_id": CLI_CLIENT_ID}

    def read(answer: Answer, now: float) -> None:
        login.held, login.refresh_token = read_held(answer, now), _refresh_token(answer)

    return (yield from ask(login.session, form, read))


def _refresh_token(answer: Answer) -> str:
    found = json_of(answer).get("refresh_token")
    return found if isinstance(found, str) else ""
