"""What a shared value is worth, and how it is said. Pure: no table, no clock.

The figures are LINKAGE section 2.1 (caps) and 2.4 (bits). They are judgement, kept under a
version, until enough cases are decided to measure them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

MODEL_VERSION = "blocks-2"
"""The weights of judgement, in force until others are learnt and adopted."""

DOCUMENT = "government_document"
DOMAIN = "domain"
SOCIAL = "social_identity"
PAYMENT = "payment_instrument"

CAPS: Mapping[str, int] = MappingProxyType(
    {
        DOCUMENT: 50,
        SOCIAL: 50,
        "email": 50,
        DOMAIN: 50,
        "device": 40,
        PAYMENT: 20,
        "key_thumbprint": 16,
        "phone": 6,
    }
)
"""The most holders a value may have and still be evidence. Above it the value is a hub.

``ip_prefix``, ``asn`` and ``traffic`` are left out: they never enter the graph.
"""


@dataclass(frozen=True, slots=True)
class Weight:
    base: float
    """Bits of a value that two accounts share."""
    loss: float
    """Bits lost whenever the number of further holders doubles."""


WEIGHTS: Mapping[str, Weight] = MappingProxyType(
    {
        DOCUMENT: Weight(12, 1),
        "email": Weight(12, 1),
        SOCIAL: Weight(10, 1),
        "key_thumbprint": Weight(9, 1.5),
        PAYMENT: Weight(8, 1),
        "phone": Weight(6, 2),
        # A ceiling, not a base: devices are lent, resold and shared.
        "device": Weight(5, 1),
        # Declared, not observed: it explains, it does not weigh.
        DOMAIN: Weight(0, 0),
    }
)

HOLDER_CLASSES = (2, 3, 8)
"""Weights are learnt apart for 2, 3, 4 to 8, and more holders: the most of each class but the last."""


@dataclass(frozen=True, slots=True)
class Model:
    """The weights by which others join a cluster."""

    version: str = MODEL_VERSION
    bits: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """By kind, bits of a value in each class of holders; kinds that were not learnt go by judgement."""


JUDGEMENT = Model()

CEILINGS: Mapping[str, float] = MappingProxyType({"device": 5.0, "ip_prefix": 3.5, "traffic": 2.0})
"""The most bits of kinds that strangers come to share, where several kinds are added up (2.4)."""
SCHEDULE_BITS = 12.0

NOUNS: Mapping[str, str] = MappingProxyType(
    {
        PAYMENT: "payment card or bank account",
        DOCUMENT: "identity document",
        "phone": "phone number",
        "email": "e-mail address",
        "device": "device",
        "ip_prefix": "network address range",
        "asn": "network operator",
        "key_thumbprint": "key",
        DOMAIN: "verified domain",
        SOCIAL: "social sign-in",
        "traffic": "traffic pattern",
    }
)


SAY_IN_STEP = (
    "They act in step: at the same five minutes of several days, more than chance makes, "
    "in a group that is seldom vouched for. A document, a domain or a social sign-in speaks for an account."
)


def is_evidence(kind: str, holders: int) -> bool:
    """Whether a value with so many holders may link accounts."""
    return 2 <= holders <= CAPS.get(kind, 0)


def bits(kind: str, holders: int) -> float:
    """How surprising it is that two accounts share a value with ``holders`` holders; never below 0."""
    weight = WEIGHTS.get(kind)
    if weight is None or not is_evidence(kind, holders):
        return 0.0
    return max(0.0, weight.base - weight.loss * math.log2(holders - 1))


def say_shared(kind: str, holders: int, others: Sequence[str]) -> str:
    """Why an account is with ``others``: ``Same device as acc_2 and acc_3; 3 accounts have it.``"""
    whom = say_names(others) if others else "others in the group"
    return f"Same {NOUNS[kind]} as {whom}; {say_holders(holders)}."


def say_ways(ways: int) -> str:
    """Why two members are together, by how many ways lead from one to the other."""
    if ways > 1:
        return (
            f"{ways} independent ways lead from one to the other. "
            "Whoever loses what one of them goes over is free, unless another way is left."
        )
    if ways == 1:
        return "One way only leads from one to the other: a document, or single ties of suspected accounts."
    return "Held together by an equal identity document, or by a group that has both."


def say_joined(newcomers: Sequence[str], strength: float) -> str:
    """Why an account was added to a group, and what would free it."""
    return (
        f"{say_names(newcomers)} joined the group by several kinds of evidence, {strength:.1f} bits; "
        "9.0 over two kinds and two members are needed. With less it stays out."
    )


def say_hanging(through: str) -> str:
    """Why two accounts are not together although a way leads from one to the other."""
    return (
        f"Everything that leads from one to the other goes through {through}: without it nothing links them."
    )


def say_holders(holders: int) -> str:
    if holders == 2:
        return "nobody else has it"
    return f"{holders} accounts have it"


def say_hub(kind: str, holders: int) -> str:
    """Why a value that is shared says nothing."""
    if kind not in CAPS:
        return f"A {NOUNS[kind]} never links accounts: strangers share it."
    return f"{holders} accounts have this {NOUNS[kind]}: too common to be evidence."


def say_names(names: Sequence[str], shown: int = 3) -> str:
    """``a``, ``a and b``, ``a, b and c``, ``a, b, c and 4 more``."""
    head = list(names[:shown])
    if len(names) > shown:
        return f"{', '.join(head)} and {len(names) - shown} more"
    if len(head) < 2:
        return "".join(head)
    return f"{', '.join(head[:-1])} and {head[-1]}"


def say_candidate(kinds: Sequence[str], through: Sequence[str]) -> str:
    """Why an account that shares something is *not* in the cluster.

    ``kinds`` has one entry for each shared value; ``through`` are the members it shares with.
    """
    nouns = say_names([NOUNS[kind] for kind in dict.fromkeys(kinds)])
    if len(kinds) == 1:
        return (
            f"Shares one {nouns} with {say_names(through)} and nothing else. "
            "One value in common is no sign of one actor."
        )
    if len(through) == 1:
        return f"Shares {nouns}, but with {through[0]} alone: without that account nothing links it."
    return (
        f"Shares {nouns} with {say_names(through)}, "
        "but another group, or its own organisation, explains it better."
    )
