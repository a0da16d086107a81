"""A group of accounts as it is written down: who is in by what, and which values tie them. Pure."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from accounts.linkage.columns import Evidence, Value
from accounts.linkage.graph import Blocks
from accounts.linkage.weigh import bits

BLOCK = "block"


class Tie(NamedTuple):
    """An account of a group was seen with a value that ties it to others of the group."""

    account: str
    value: Value
    holders: int
    """Accounts of the whole environment that were seen with the value."""
    bits: float


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts that look like one actor, and what says so."""

    accounts: frozenset[str]
    ties: tuple[Tie, ...]
    grade: str
    basis: Mapping[str, str] = field(default_factory=dict)
    """For accounts that are in by anything but a block."""

    def basis_of(self, account: str) -> str:
        return self.basis.get(account, BLOCK)


def as_groups(evidence: Evidence, blocks: Blocks) -> list[Group]:
    """The groups of ``blocks`` with names for numbers."""
    members: dict[int, list[str]] = defaultdict(list)
    for place in (blocks.group >= 0).nonzero()[0].tolist():
        members[int(blocks.group[place])].append(evidence.accounts[place])
    ties: dict[int, list[Tie]] = defaultdict(list)
    names: dict[int, Value] = {}
    for edge in blocks.edge.tolist():
        account, value = int(evidence.account[edge]), int(evidence.value[edge])
        name = names.setdefault(value, evidence.name(value))
        holders = int(evidence.holders[value])
        tie = Tie(evidence.accounts[account], name, holders, bits(name.kind, holders))
        ties[int(blocks.group[account])].append(tie)
    return [
        Group(
            frozenset(found), tuple(ties[number]), "organisation" if blocks.organisation[number] else "linked"
        )
        for number, found in sorted(members.items())
    ]
