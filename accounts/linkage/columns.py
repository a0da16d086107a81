"""The evidence of many accounts as columns: who was seen with what, and when. Pure; no table is read.

Accounts and values are numbers, in the order of their names and hashes, so that whatever is
decided by a number is decided alike in a neighbourhood and in the whole. A value that one
account alone was seen with links nobody: it counts as a proof where it is one, and is dropped.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from accounts.linkage.weigh import CAPS, DOCUMENT, DOMAIN, SOCIAL

KINDS: tuple[str, ...] = (
    "asn",
    "device",
    DOMAIN,
    "email",
    DOCUMENT,
    "ip_prefix",
    "key_thumbprint",
    "payment_instrument",
    "phone",
    SOCIAL,
    "traffic",
)
"""In the order of their names: a kind is stored as its place in here."""
KIND_NUMBER = {kind: number for number, kind in enumerate(KINDS)}
CAP_OF_KIND = np.array([CAPS.get(kind, 0) for kind in KINDS], dtype=np.int64)
PROOFS = {DOCUMENT: 1, DOMAIN: 2, SOCIAL: 4}
"""The bit of each kind that says somebody vouches for the account."""

type Ints = npt.NDArray[np.int64]
type Bools = npt.NDArray[np.bool_]
type Bytes = npt.NDArray[np.uint8]


class Value(NamedTuple):
    """A value as we know it: its kind and its keyed hash."""

    kind: str
    digest: bytes

    @property
    def tag(self) -> str:
        """What may be shown: 8 hexadecimal digits."""
        return self.digest[:4].hex()


class Sighting(NamedTuple):
    """An account was seen with a value; times in seconds since the epoch."""

    account: str
    value: Value
    first: int
    last: int


class Rows(NamedTuple):
    """Sightings as columns; accounts and kinds as numbers, times in seconds since the epoch."""

    account: Ints
    kind: Ints
    digest: Bytes
    """One row of 32 bytes for each sighting."""
    first: Ints
    last: Ints


@dataclass(frozen=True, slots=True)
class Evidence:
    """Who was seen with what. Edges are sorted by value, then account."""

    accounts: Sequence[str]
    kinds: Ints
    """The kind of each value, as its place in ``KINDS``."""
    digests: Bytes
    """One row of 32 bytes for each value."""
    account: Ints
    value: Ints
    first: Ints
    last: Ints
    holders: Ints
    """How many accounts were seen with each value."""
    proofs: Ints
    """For each account the bits of ``PROOFS``."""
    born: Ints
    """When each account was seen first."""

    def name(self, value: int) -> Value:
        return Value(KINDS[self.kinds[value]], self.digests[value].tobytes())

    def links(self) -> Bools:
        """Which values may link accounts: shared, of a kind that counts, by no more than its cap."""
        return (self.holders >= 2) & (self.holders <= CAP_OF_KIND[self.kinds])


def gather(sightings: Iterable[Sighting], counts: Mapping[Value, int] | None = None) -> Evidence:
    """The columns of a few sightings, each account and value once.

    ``counts`` says how many hold a value in all, where not every holder is among the sightings.
    """
    rows = list(sightings)
    names = sorted({row.account for row in rows})
    number = {name: at for at, name in enumerate(names)}
    digests = b"".join(row.value.digest for row in rows)
    evidence = build(
        names,
        np.array([number[row.account] for row in rows], dtype=np.int64),
        np.array([KIND_NUMBER[row.value.kind] for row in rows], dtype=np.int64),
        np.frombuffer(digests, dtype=np.uint8).reshape(-1, 32),
        np.array([row.first for row in rows], dtype=np.int64),
        np.array([row.last for row in rows], dtype=np.int64),
    )
    for value in range(len(evidence.kinds) if counts else 0):
        evidence.holders[value] = (counts or {}).get(evidence.name(value), evidence.holders[value])
    return evidence


def build(
    accounts: Sequence[str], account: Ints, kind: Ints, digest: Bytes, first: Ints, last: Ints
) -> Evidence:
    """Columns from all rows, in any order; ``accounts`` is sorted, ``account`` are places in it."""
    proofs = np.zeros(len(accounts), dtype=np.int64)
    for name, bit in PROOFS.items():
        proofs[account[kind == KIND_NUMBER[name]]] |= bit
    born = np.full(len(accounts), np.iinfo(np.int64).max)
    np.minimum.at(born, account, first)
    return build_shared(accounts, Rows(account, kind, digest, first, last), proofs=proofs, born=born)


def build_shared(accounts: Sequence[str], seen: Rows, *, proofs: Ints, born: Ints) -> Evidence:
    """Columns from the rows whose value another row may have too; rows that none has are dropped.

    Cost: sorts the rows once; memory about 150 bytes a row.
    """
    account, kind, digest, first, last = seen
    rows, value = _number_values(account, kind, digest)
    counts = np.bincount(value)
    shared = counts[value] > 1
    rows, (_, starts, value) = rows[shared], np.unique(value[shared], return_index=True, return_inverse=True)
    return Evidence(
        accounts,
        kinds=kind[rows][starts],
        digests=digest[rows][starts],
        account=account[rows],
        value=value.astype(np.int64),
        first=first[rows],
        last=last[rows],
        holders=np.bincount(value, minlength=len(starts)),
        proofs=proofs,
        born=born,
    )


def _number_values(account: Ints, kind: Ints, digest: Bytes) -> tuple[Ints, Ints]:
    """The order of rows by value and account, and in that order the number of each row's value."""
    words = np.ascontiguousarray(digest).view(">u8").reshape(-1, 4)
    order = np.lexsort((account, words[:, 3], words[:, 2], words[:, 1], words[:, 0], kind))
    if not len(order):
        return order, order
    words, kind = words[order], kind[order]
    begins = np.ones(len(order), dtype=bool)
    begins[1:] = (words[1:] != words[:-1]).any(axis=1) | (kind[1:] != kind[:-1])
    return order, np.cumsum(begins) - 1
