"""Opaque public identifiers: a prefix that names the kind, and a ULID.

A ULID sorts by the time of its making and carries 80 random bits, so an identifier
neither collides across processes nor tells how many there are.
"""

from ulid import ULID


def new_id(prefix: str) -> str:
    """``new_id("agent")`` gives ``agent_01J…``: the prefix and 26 characters of base 32."""
    return f"{prefix}_{ULID()}"
