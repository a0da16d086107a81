"""Who an event is about: the shapes of RFC 9493 and SSF 1.0 section 3. Pure."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from passport.events.ssf.refusals import BadCall

MEMBERS: Mapping[str, tuple[str, ...]] = {
    "account": ("uri",),
    "did": ("url",),
    "email": ("email",),
    "iss_sub": ("iss", "sub"),
    "jwt_id": ("iss", "jti"),
    "opaque": ("id",),
    "phone_number": ("phone_number",),
    "saml_assertion_id": ("issuer", "assertion_id"),
    "uri": ("uri",),
}
"""The members that each format has, all of them required (RFC 9493 section 3.2, SSF 1.0 section 3.5)."""
COMPLEX = ("user", "device", "session", "application", "tenant", "org_unit", "group")
MOST_CHARACTERS = 1_000


def iss_sub(issuer: str, subject: str) -> dict[str, Any]:
    return {"format": "iss_sub", "iss": issuer, "sub": subject}


def jwt_id(issuer: str, jti: str) -> dict[str, Any]:
    return {"format": "jwt_id", "iss": issuer, "jti": jti}


def opaque(name: str) -> dict[str, Any]:
    return {"format": "opaque", "id": name}


def of_passport(issuer: str, jti: str, agent_id: str, account: str) -> dict[str, Any]:
    """A passport: a session of an agent of an account."""
    return {
        "format": "complex",
        "session": jwt_id(issuer, jti),
        "application": iss_sub(issuer, agent_id),
        "tenant": iss_sub(issuer, account),
    }


def read_subject(given: object) -> dict[str, Any]:
    """A subject as a receiver sent it. Raises BadCall."""
    if not isinstance(given, dict):
        raise BadCall("subject is an object with a format")
    if given.get("format") != "complex":
        return _read_simple(given)
    parts = {name: _read_simple(part) for name, part in given.items() if name != "format"}
    if not parts or not set(parts) <= set(COMPLEX):
        raise BadCall(f"a complex subject has members among: {' '.join(COMPLEX)}")
    return {"format": "complex", **parts}


def _read_simple(given: object) -> dict[str, Any]:
    name = given.get("format") if isinstance(given, dict) else None
    if not isinstance(given, dict) or not isinstance(name, str) or name not in MEMBERS:
        raise BadCall(f"the format of a subject is one of: {' '.join(sorted(MEMBERS))} complex")
    found = {"format": name}
    for member in MEMBERS[name]:
        value = given.get(member)
        if not isinstance(value, str) or not 0 < len(value) <= MOST_CHARACTERS:
            raise BadCall(f"a subject of the format {name} has the text {member}")
        found[member] = value
    return found


def digest(subject: Mapping[str, Any]) -> str:
    """The same for the same subject, however its members were ordered."""
    written = json.dumps(subject, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def matches(named: Mapping[str, Any], told: Mapping[str, Any]) -> bool:
    """Whether an event about ``told`` is about whom the receiver named (SSF 1.0 section 8.1.3.1).

    A simple subject is also found within a complex one; of two complex ones, a member that one
    of them lacks stands for all, as long as they share one.
    """
    if named["format"] != "complex":
        return named == told or named in _parts(told).values()
    if told["format"] != "complex":
        return told in _parts(named).values() and len(_parts(named)) == 1
    shared = _parts(named).keys() & _parts(told).keys()
    return bool(shared) and all(named[name] == told[name] for name in shared)


def _parts(subject: Mapping[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in subject.items() if isinstance(part, Mapping)}
