"""Token Status List: reading a signed list, and the packed deltas of the feed (pure).

Values stand from the least significant bit of each byte (section 4.1). 0 is valid; 1 revoked;
2 suspended; anything else is read as a refusal.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agent_passport import _base64, _jws
from agent_passport._protocol import STATUS_LIST_TYP

UNPACKED_BYTES = 8 * 1024 * 1024
VALID, REVOKED, SUSPENDED = 0, 1, 2
_BITS = (1, 2, 4, 8)


class BadList(ValueError):
    """Not a list that may be relied on; the message says why."""


@dataclass(slots=True)
class StatusList:
    uri: str
    bits: int
    values: bytearray
    issued_at: int
    expires_at: int
    ttl: int
    ledger: int
    """Every change up to this position is in it."""

    def __len__(self) -> int:
        return len(self.values) * 8 // self.bits

    def value(self, index: int) -> int:
        """Raises IndexError beyond the end."""
        per_byte = 8 // self.bits
        byte = self.values[index // per_byte]
        return byte >> index % per_byte * self.bits & (1 << self.bits) - 1

    def tighten(self, index: int, value: int) -> None:
        """Never loosens: a revoked one stays revoked, a suspended one becomes at most revoked.

        Raises IndexError beyond the end, ValueError when the value has no room.
        """
        if not 0 < value < 1 << self.bits:
            raise ValueError("the value does not fit this list")
        held = self.value(index)
        if held == VALID or value == REVOKED:
            shift = index % (8 // self.bits) * self.bits
            position = index // (8 // self.bits)
            cleared = self.values[position] & ~(((1 << self.bits) - 1) << shift)
            self.values[position] = cleared | value << shift

    def tighten_as(self, other: "StatusList") -> None:
        """Refuse whatever the other refuses. What is beyond either's end is left."""
        per_byte = 8 // other.bits
        for position, byte in enumerate(other.values):
            for index in range(position * per_byte, (position + 1) * per_byte) if byte else ():
                value = other.value(index)
                if value != VALID and index < len(self):
                    self.tighten(index, min(value, (1 << self.bits) - 1))


def read_list(
    token: str, *, uri: str, issuer: str, verify: Callable[[_jws.Jws], None], now: float
) -> StatusList:
    """A list as fetched from ``uri``. ``verify`` checks the signature and raises ValueError.

    Raises BadList.
    """
    try:
        jws = _jws.parse(token, max_bytes=_jws.LIST_BYTES)
        verify(jws)
    except ValueError as error:
        raise BadList(str(error)) from error
    if jws.typ != STATUS_LIST_TYP:
        raise BadList("typ is not statuslist+jwt")
    claims = jws.claims
    if claims.get("iss") != issuer or claims.get("sub") != uri:
        raise BadList("the list is of another issuer or another address")
    issued_at, expires_at = _integer(claims, "iat"), _integer(claims, "exp")
    if now >= expires_at or issued_at > now + 30:
        raise BadList("the list is past its end, or from the future")
    bits, values = _unpack(claims.get("status_list"))
    ttl, ledger = _integer(claims, "ttl"), _integer(claims, "ledger", 0)
    return StatusList(uri, bits, values, issued_at, expires_at, ttl, ledger)


def _integer(claims: dict[str, Any], name: str, default: int | None = None) -> int:
    value = claims.get(name, default)
    if not _jws.is_time(value):
        raise BadList(f"{name} is missing or no integer")
    return int(str(value))


def _unpack(status_list: object) -> tuple[int, bytearray]:
    if not isinstance(status_list, dict):
        raise BadList("status_list is missing")
    bits, packed = status_list.get("bits"), status_list.get("lst")
    if type(bits) is not int or bits not in _BITS or not isinstance(packed, str):
        raise BadList("bits or lst is malformed")
    try:
        unpacker = zlib.decompressobj()
        values = unpacker.decompress(_base64.decode(packed), UNPACKED_BYTES + 1)
    except (ValueError, zlib.error) as error:
        raise BadList("lst is not a compressed list") from error
    if len(values) > UNPACKED_BYTES:
        raise BadList("the list is too long")
    if not unpacker.eof or unpacker.unused_data:
        raise BadList("lst is cut off or has a tail")
    return bits, bytearray(values)


def read_gaps(packed: object) -> list[int]:
    """Indexes from base64url of unsigned LEB128 gaps, rising. Raises BadList."""
    if not isinstance(packed, str):
        raise BadList("a delta is no string")
    try:
        raw = _base64.decode(packed)
    except ValueError as error:
        raise BadList("a delta is not base64url") from error
    indexes: list[int] = []
    index = gap = shift = 0
    for byte in raw:
        gap |= (byte & 0x7F) << shift
        shift += 7
        if gap >= 8 * UNPACKED_BYTES:
            raise BadList("a delta points beyond any list")
        if byte & 0x80:
            continue
        if indexes and gap == 0:
            raise BadList("a delta repeats an index")
        index += gap
        indexes.append(index)
        gap = shift = 0
    if shift:
        raise BadList("a delta is cut off")
    return indexes
