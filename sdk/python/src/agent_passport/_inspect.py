"""A look at a token from outside: its signature, its time, its status. For people, who have no proof.

A service never does this: it wants a proof too, and has the verifier.
"""

import time

from agent_passport import _jws
from agent_passport._credential import Credential, Kind, read_credential
from agent_passport._errors import IssuerUnreachable
from agent_passport._issuer_client import IssuerAway, IssuerClient
from agent_passport._keyset import KeySet
from agent_passport._protocol import ACCESS_TOKEN_TYP, PASSPORT_TYP
from agent_passport._refusals import Refused
from agent_passport._status_list import REVOKED, SUSPENDED, VALID, BadList, read_list
from agent_passport._target import origin_of

_WORDS = {VALID: "valid", REVOKED: "revoked", SUSPENDED: "suspended"}


class NotValid(Exception):
    """The token is not good; the message says why."""


def read_unverified(token: str) -> _jws.Jws:
    """Raises NotValid."""
    try:
        return _jws.parse(token.strip(), max_bytes=_jws.TOKEN_BYTES)
    except _jws.Malformed as error:
        raise NotValid(f"not a token: {error}") from error


def inspect(token: str, issuer: str, *, now: float | None = None) -> tuple[Credential, str]:
    """The token as read, and its status in a word. A passport or an access token for any audience.

    Raises NotValid, IssuerUnreachable.
    """
    jws = read_unverified(token)
    now = time.time() if now is None else now
    client = IssuerClient(issuer, None, None, timeout=10)
    try:
        keys = KeySet()
        keys.replace(client.keys(), now)
        keys.verify(jws)
        credential = read_credential(jws, _kind(jws, issuer))
        credential.check_time(now)
        return credential, _status(client, keys, credential, now)
    except IssuerAway as error:
        raise IssuerUnreachable(
            f"{issuer}: {error}", cure="agent-passport doctor says what is wrong"
        ) from error
    except (Refused, ValueError) as error:
        raise NotValid(str(error)) from error
    finally:
        client.close()


def _kind(jws: _jws.Jws, issuer: str) -> Kind:
    """A passport is for the issuer; an access token for whomever it names, but for one."""
    if jws.typ == PASSPORT_TYP:
        return Kind(issuer, issuer, PASSPORT_TYP)
    audience = jws.claims.get("aud")
    if jws.typ != ACCESS_TOKEN_TYP or not isinstance(audience, str):
        raise NotValid("neither a passport nor an access token")
    return Kind(issuer, audience)


def _status(client: IssuerClient, keys: KeySet, credential: Credential, now: float) -> str:
    uri = credential.list_uri
    if origin_of(uri) != origin_of(client.issuer):
        raise NotValid("the status list is outside the origin of the issuer")
    try:
        found = read_list(client.status_list(uri), uri=uri, issuer=client.issuer, verify=keys.verify, now=now)
        return _WORDS.get(found.value(credential.index), "refused")
    except (BadList, IndexError) as error:
        raise NotValid(f"the status list cannot be used: {error}") from error
