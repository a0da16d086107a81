"""Cuts evidence into pieces whose blocks do not depend on each other, and puts what was found together.

No block reaches from one component to another, and neither does anything that decides who is in
one. So pieces may be looked at anywhere, by the same code, with the same result. Pure.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from accounts.linkage.columns import KIND_NUMBER, Bools, Evidence, Ints
from accounts.linkage.grades import Grouped, find_grouped, in_order
from accounts.linkage.graph import Blocks, roots
from accounts.linkage.weigh import DOMAIN


@dataclass(frozen=True, slots=True)
class Piece:
    """Some whole components."""

    account: Ints
    """For each account of the piece its place in the whole."""
    edge: Ints
    """The same for each edge."""
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class FoundPiece:
    """What was found in a piece, by places in the whole."""

    account: Ints
    edge: Ints
    grouped: Grouped


type Engine = Callable[[Iterable[Piece]], Iterable[FoundPiece]]


def components(evidence: Evidence, *, declared: bool = True) -> Ints:
    """For each account the first account that it hangs together with over values that may link.

    Without ``declared`` verified domains join nobody.
    """
    links = evidence.links()
    if not declared:
        links &= evidence.kinds != KIND_NUMBER[DOMAIN]
    edge = np.flatnonzero(links[evidence.value])
    value, account = evidence.value[edge], evidence.account[edge]
    same = np.flatnonzero(value[1:] == value[:-1])
    return roots(len(evidence.accounts), account[same], account[same + 1])


def largest_share(evidence: Evidence) -> float:
    """The part of all accounts that hangs together in the largest component; 0 where there are none."""
    if not len(evidence.accounts):
        return 0.0
    return float(np.bincount(components(evidence, declared=False)).max() / len(evidence.accounts))


def pieces(evidence: Evidence, *, edges: int) -> Iterator[Piece]:
    """Whole components, as many together as have about ``edges`` edges; who hangs with nobody is left out."""
    root = components(evidence)
    wanted = (np.bincount(root, minlength=len(root))[root] > 1)[evidence.account]
    wanted &= evidence.links()[evidence.value] | (evidence.kinds == KIND_NUMBER[DOMAIN])[evidence.value]
    edge = np.flatnonzero(wanted)
    order = np.argsort(root[evidence.account[edge]], kind="stable")
    edge = edge[order]
    if not len(edge):
        return
    of = root[evidence.account[edge]]
    begins = np.flatnonzero(np.append(True, of[1:] != of[:-1]))
    # A cut falls only where a component begins.
    number = (begins // edges).searchsorted(np.arange(len(edge) // edges + 1))
    cuts = np.unique(np.append(begins[number[number < len(begins)]], len(edge)))
    for begin, end in pairwise(cuts.tolist()):
        yield _piece(evidence, np.sort(edge[begin:end]))


def _piece(evidence: Evidence, edge: Ints) -> Piece:
    account, place = np.unique(evidence.account[edge], return_inverse=True)
    value, number = np.unique(evidence.value[edge], return_inverse=True)
    part = Evidence(
        [evidence.accounts[one] for one in account.tolist()],
        kinds=evidence.kinds[value],
        digests=evidence.digests[value],
        account=place,
        value=number,
        first=evidence.first[edge],
        last=evidence.last[edge],
        holders=evidence.holders[value],
        proofs=evidence.proofs[account],
        born=evidence.born[account],
    )
    return Piece(account, edge, part)


def find_piece(piece: Piece) -> FoundPiece:
    return FoundPiece(piece.account, piece.edge, find_grouped(piece.evidence))


def put_together(evidence: Evidence, found: Iterable[FoundPiece]) -> Grouped:
    """What one look at the whole would have found, from the pieces in any order."""
    group = np.full(len(evidence.accounts), -1)
    copied: Bools = np.zeros(len(evidence.accounts), dtype=bool)
    organisation: list[Bools] = []
    edges: list[Ints] = []
    number = 0
    for one in found:
        blocks = one.grouped.blocks
        group[one.account] = np.where(blocks.group >= 0, blocks.group + number, -1)
        copied[one.account] = one.grouped.copied
        organisation.append(blocks.organisation)
        edges.append(one.edge[blocks.edge])
        number += len(blocks.organisation)
    blocks = Blocks(group, _joined(organisation, bool), _joined(edges, np.int64))
    return Grouped(in_order(blocks), copied)


def _joined(arrays: Sequence[np.ndarray], kind: type) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype=kind), *arrays])
