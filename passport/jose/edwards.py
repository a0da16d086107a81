"""Whether 32 bytes name a usable point of edwards25519 (RFC 8032 section 5.1.3).

OpenSSL takes any bytes for a key and only then fails, or worse does not: under a point of small
order one signature verifies for many messages. A key is checked once, when it is first seen.
"""

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
COFACTOR_DOUBLINGS = 3


def is_good_point(encoded: bytes) -> bool:
    """On the curve, canonically encoded, and not of small order."""
    if len(encoded) != 32:
        return False
    y = int.from_bytes(encoded, "little") & (1 << 255) - 1
    if y >= P or y in (1, P - 1):
        return False
    return pow(_x_squared(y), (P - 1) // 2, P) == 1 and not _is_small(y)


def _x_squared(y: int) -> int:
    return (y * y - 1) * pow(D * y * y + 1, -1, P) % P


def _is_small(y: int) -> bool:
    """Whether eight times the point is the neutral element. Doubling needs only the squares."""
    for _ in range(COFACTOR_DOUBLINGS):
        x_squared, y_squared = _x_squared(y), y * y % P
        y = (y_squared + x_squared) * pow(2 + x_squared - y_squared, -1, P) % P
    return y == 1
