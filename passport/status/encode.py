"""The bytes of a status list and of its deltas: pure.

Values are packed from the least significant bit of each byte (Token Status List section
4.1); the list is compressed with zlib and written as base64url without padding (section 4.2).
A delta is a sorted set of indexes as gaps (the first from 0), each an unsigned LEB128.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping

from passport.jose import base64url

LEVEL = 1
"""Twenty times cheaper than 9, for 4 % more bytes."""


class Malformed(ValueError):
    """Not what this module writes."""


def size_in_bytes(size: int, bits: int) -> int:
    return (size * bits + 7) // 8


def get_value(content: bytes, bits: int, index: int) -> int:
    """The value at an index. IndexError outside the list."""
    each = 8 // bits
    return (content[index // each] >> (index % each) * bits) & ((1 << bits) - 1)


def with_values(content: bytes, bits: int, values: Mapping[int, int]) -> bytes:
    """The content with some values replaced."""
    changed = bytearray(content)
    each, mask = 8 // bits, (1 << bits) - 1
    for index, value in values.items():
        shift = (index % each) * bits
        place = index // each
        changed[place] = changed[place] & ~(mask << shift) | (value & mask) << shift
    return bytes(changed)


def compress(content: bytes) -> str:
    """``lst`` of the claim ``status_list``."""
    return base64url.encode(zlib.compress(content, LEVEL))


def pack(indexes: Iterable[int]) -> str:
    """A set of indexes as text; empty for none."""
    packed = bytearray()
    previous = 0
    for index in sorted(set(indexes)):
        gap, previous = index - previous, index
        while gap >= 0x80:
            packed.append(gap & 0x7F | 0x80)
            gap >>= 7
        packed.append(gap)
    return base64url.encode(bytes(packed))


def unpack(text: str) -> Iterator[int]:
    """The indexes of a packed set, in order. Raises Malformed."""
    try:
        packed = base64url.decode(text)
    except ValueError as wrong:
        raise Malformed(str(wrong)) from wrong
    index = gap = shift = 0
    for byte in packed:
        gap |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
            if shift > 28:
                raise Malformed("a gap beyond 32 bits")
            continue
        index += gap
        yield index
        gap = shift = 0
    if shift:
        raise Malformed("ends within a gap")
