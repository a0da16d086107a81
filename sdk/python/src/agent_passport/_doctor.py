"""What keeps an agent from working, looked for from the ground up, each finding with its cure."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx

from agent_passport._agent import Agent
from agent_passport._errors import AgentPassportError
from agent_passport._inspect import NotValid, inspect
from agent_passport._keys import AgentKey
from agent_passport._protocol import KEYS_PATH, METADATA_PATH

TOLERATED_SECONDS = 30
"""As the servers do; an agent learns more than this by itself, a service's clock must be right."""


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    good: bool
    words: str
    cure: str = ""


def examine(issuer: str, client_id: str, key_file: str, state: str | None) -> Iterator[Finding]:
    """One finding for each thing looked at; what needs a failed one is not looked at."""
    key, finding = _examine_key(key_file)
    yield finding
    try:
        yield from _examine_issuer(issuer)
    except httpx.HTTPError as error:
        words = f"{issuer}: {type(error).__name__}"
        yield Finding("issuer", False, words, "Check the address, DNS, the firewall and HTTPS_PROXY")
        return
    if key is not None:
        yield from _examine_agent(issuer, client_id, key, state)


def _examine_key(path: str) -> tuple[AgentKey | None, Finding]:
    try:
        key = AgentKey.load(path)
    except AgentPassportError as error:
        return None, Finding("key", False, error.description, error.cure)
    return key, Finding("key", True, f"{key.alg}, thumbprint {key.thumbprint}")


def _examine_issuer(issuer: str) -> Iterator[Finding]:
    with httpx.Client(timeout=10) as client:
        answer = client.get(issuer + METADATA_PATH)
        named = _json(answer).get("issuer")
        if named == issuer:
            yield Finding("issuer", True, f"{issuer} answers")
        else:
            cure = f"Set the issuer to {named}" if isinstance(named, str) else "Check the address"
            yield Finding("issuer", False, f"HTTP {answer.status_code}, it calls itself {named}", cure)
        yield _clock(answer.headers.get("Date"))
        keys = _json(client.get(issuer + KEYS_PATH)).get("keys")
        count = len(keys) if isinstance(keys, list) else 0
        cure = "" if count else "Tell the operator of the issuer: no token can be verified"
        yield Finding("keys", count > 0, f"{count} signing keys", cure)


def _clock(date: str | None) -> Finding:
    try:
        offset = parsedate_to_datetime(date or "").timestamp() - time.time()
    except ValueError:
        return Finding("clock", False, "the issuer sends no Date", "Look at what stands between it and here")
    words = f"{abs(offset):.0f} s {'behind' if offset > 0 else 'ahead of'} the issuer"
    if abs(offset) <= TOLERATED_SECONDS:
        return Finding("clock", True, "agrees with the issuer" if abs(offset) < 2 else words)
    return Finding("clock", False, words, "Set the clock: timedatectl set-ntp true")


def _examine_agent(issuer: str, client_id: str, key: AgentKey, state: str | None) -> Iterator[Finding]:
    with Agent(issuer, client_id, key, state=state) as agent:
        try:
            held = agent.passport()
        except AgentPassportError as error:
            yield Finding("passport", False, f"{error.code}: {error.description}", error.cure)
            return
    days = (held.expires_at - agent.clock.now()) / 86400
    yield Finding("passport", True, f"good for {days:.1f} days, scopes {' '.join(sorted(held.scopes))}")
    try:
        _, status = inspect(held.value, issuer, now=agent.clock.now())
    except (NotValid, AgentPassportError) as error:
        yield Finding("status", False, str(error), "Renew it: agent-passport passport renew")
    else:
        cure = "" if status == "valid" else "Look at the agent in the portal: it says why"
        yield Finding("status", status == "valid", status, cure)


def _json(answer: httpx.Response) -> dict[str, object]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
