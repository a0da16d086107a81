"""Signed JWTs: strict reading of the compact form, and building it. No rule about claims lives here.

Refused before anything is believed: other than three parts, a second spelling in base64url,
repeated members at any depth, extensions that we do not implement, and headers that name a key
elsewhere (RFC 8725 section 3.10). Nothing that a token names is ever fetched.
"""

import json
import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn, Protocol

from agent_passport import _base64

TOKEN_BYTES = 16 * 1024
PROOF_BYTES = 4 * 1024
LIST_BYTES = 16 * 1024 * 1024
"""A status list of 8 MiB unpacked that does not compress, in base64url."""

_HEADER_BYTES = 2 * 1024
_REMEMBERED_BYTES = 512
_DEPTH = 16
_UNSUPPORTED = frozenset({"crit", "b64", "zip", "jku", "x5u", "x5c"})
_KID = re.compile(r"[A-Za-z0-9._~-]{1,128}")


class Malformed(ValueError):
    """Not a JWT that may be looked at any further; the message says why."""


@dataclass(frozen=True, slots=True)
class Jws:
    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes

    @property
    def alg(self) -> str:
        return str(self.header["alg"])

    @property
    def typ(self) -> str:
        """In lower case, without ``application/`` (RFC 7515 section 4.1.9); empty when absent."""
        typ = self.header.get("typ")
        return typ.lower().removeprefix("application/") if isinstance(typ, str) else ""

    @property
    def kid(self) -> str | None:
        return self.header.get("kid")


class Signer(Protocol):
    @property
    def alg(self) -> str: ...

    def sign(self, signed: bytes) -> bytes: ...


def parse(token: str, *, max_bytes: int, allow_jwk: bool = False) -> Jws:
    """Raises Malformed. Proves nothing: the signature is for the caller to verify.

    ``allow_jwk``: the header may bring its key, which only a proof does.
    """
    if len(token) > max_bytes or not token.isascii():
        raise Malformed("too long, or not ASCII")
    parts = token.split(".")
    if len(parts) != 3 or not all(parts):
        raise Malformed("not three parts")
    if len(parts[0]) > _HEADER_BYTES:
        raise Malformed("the header is too long")
    read = _read_header if len(parts[0]) > _REMEMBERED_BYTES else _remembered_header
    header = read(parts[0], allow_jwk)
    signed = token[: len(parts[0]) + 1 + len(parts[1])].encode("ascii")
    return Jws(header, _object(parts[1]), signed, _bytes(parts[2]))


def _read_header(part: str, allow_jwk: bool) -> dict[str, Any]:
    header = _object(part)
    _check_header(header, allow_jwk)
    return header


# An agent's proofs all have one header, an issuer's tokens another: read once, never written to.
_remembered_header = lru_cache(maxsize=1024)(_read_header)


def _check_header(header: dict[str, Any], allow_jwk: bool) -> None:
    if not isinstance(header.get("alg"), str):
        raise Malformed("alg is missing")
    if unsupported := _UNSUPPORTED & header.keys():
        raise Malformed(f"the header has {', '.join(sorted(unsupported))}")
    if "jwk" in header and not allow_jwk:
        raise Malformed("the header brings a key of its own")
    if not isinstance(header.get("typ", ""), str):
        raise Malformed("typ is malformed")
    kid = header.get("kid")
    if "kid" in header and not (isinstance(kid, str) and _KID.fullmatch(kid)):
        raise Malformed("kid is malformed")


def _bytes(part: str) -> bytes:
    try:
        return _base64.decode(part)
    except ValueError as error:
        raise Malformed(str(error)) from error


def _object(part: str) -> dict[str, Any]:
    value = parse_json(_bytes(part))
    if not isinstance(value, dict):
        raise Malformed("not a JSON object")
    return value


def parse_json(raw: bytes) -> Any:
    """JSON as a careful receiver reads it (RFC 8259, RFC 7493). Raises Malformed."""
    try:
        text = raw.decode("utf-8")
        value = _DECODER.decode(text)
        if "\\u" in text:
            # A lone surrogate is legal in JSON and breaks whoever writes the value out.
            _check_text(json.dumps(value, ensure_ascii=False))
    except RecursionError as error:
        raise Malformed("nested too deeply") from error
    except ValueError as error:
        raise Malformed("not well-formed JSON") from error
    if text.count("{") + text.count("[") > _DEPTH:
        _check_depth(value, _DEPTH)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is repeated")
    return members


def _check_text(text: str) -> None:
    text.encode("utf-8")
    if "\\u0000" in text.replace("\\\\", ""):
        raise ValueError("a text holds NUL")


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError("a number is beyond all bounds")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_constant=_no_constant)
"""Made once: ``json.loads`` with hooks makes one for each call."""


def _check_depth(value: Any, left: int) -> None:
    if not isinstance(value, (dict, list)):
        return
    if left == 0:
        raise Malformed("nested too deeply")
    for inner in value.values() if isinstance(value, dict) else value:
        _check_depth(inner, left - 1)


def build(signer: Signer, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """The compact form, signed; ``alg`` comes from the key."""
    whole = {"alg": signer.alg, **header}
    signed = ".".join(_base64.encode(_json(part)) for part in (whole, claims)).encode("ascii")
    return f"{signed.decode('ascii')}.{_base64.encode(signer.sign(signed))}"


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def is_time(value: object) -> bool:
    """A NumericDate as we accept it: an integer, no bool, no float, below 2^53."""
    return type(value) is int and 0 <= value < 2**53
