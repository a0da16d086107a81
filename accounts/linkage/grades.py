"""What a group of accounts may be called, and who is not to be counted in it (LINKAGE sections 2.6 and 2.7).

Pure. The rules are the same for a neighbourhood and for the whole.
"""

from dataclasses import dataclass

import numpy as np

from accounts.linkage.columns import KIND_NUMBER, PROOFS, Bools, Evidence, Ints
from accounts.linkage.graph import Blocks, find_blocks
from accounts.linkage.weigh import DOCUMENT, PAYMENT

LEAD_SECONDS = 7 * 86_400
"""Whoever is copied had the card and the device first; a week tells that from two accounts of one person."""
LONG_LEAD_SECONDS = 30 * 86_400
"""The same of somebody whom nobody vouches for."""
DENSE_FROM = 50
"""A larger block must have something rare in it: namesakes share common values in cycles too."""
RARE_HOLDERS = 8
FIRM = tuple(KIND_NUMBER[kind] for kind in (PAYMENT, DOCUMENT, "key_thumbprint", "device"))


@dataclass(frozen=True, slots=True)
class Grouped:
    blocks: Blocks
    copied: Bools
    """Accounts that look copied: shown beside, joined to nothing."""


def find_grouped(evidence: Evidence) -> Grouped:
    """The blocks, without those who look copied, and without large blocks that nothing rare holds."""
    blocks = find_blocks(evidence)
    copied = find_copied(evidence, blocks)
    if copied.any():
        blocks = find_blocks(evidence, without=copied)
    return Grouped(in_order(without_groups(blocks, find_vague(evidence, blocks), evidence)), copied)


def in_order(blocks: Blocks) -> Blocks:
    """The same groups, personal first, largest first, then by their first account: whoever found them."""
    inside = np.flatnonzero(blocks.group >= 0)
    numbers, first = np.unique(blocks.group[inside], return_index=True)
    order = np.lexsort((inside[first], -blocks.sizes()[numbers], blocks.organisation[numbers]))
    anew = np.full(len(blocks.organisation) + 1, -1)
    anew[numbers[order]] = np.arange(len(order))
    return Blocks(anew[blocks.group], blocks.organisation[numbers[order]], np.sort(blocks.edge))


def find_copied(evidence: Evidence, blocks: Blocks) -> Bools:
    """Members who had everything they share in their group a week before anybody else in it, and for
    whom a document vouches; or a month before, where the very same accounts share each of it.
    Only where two others remain.

    Such a member is the source of what the others use: robbed, or the first of them.
    """
    edge = blocks.edge
    group, value = blocks.group[evidence.account[edge]], evidence.value[edge]
    order = np.lexsort((evidence.account[edge], evidence.first[edge], value, group))
    edge, group, value = edge[order], group[order], value[order]
    begins = np.ones(len(edge), dtype=bool)
    begins[1:] = (group[1:] != group[:-1]) | (value[1:] != value[:-1])
    leads = np.zeros(len(edge), dtype=bool)
    first = evidence.first[edge]
    vouched = (evidence.proofs & PROOFS[DOCUMENT]) > 0
    lead = np.where(vouched[evidence.account[edge]], LEAD_SECONDS, LONG_LEAD_SECONDS)
    leads[:-1] = begins[:-1] & ~begins[1:] & (first[1:] - first[:-1] >= lead[:-1])
    number = len(evidence.accounts)
    held = np.bincount(evidence.account[edge], minlength=number)
    led = np.bincount(evidence.account[edge[leads]], minlength=number)
    sizes = np.append(blocks.sizes(), 0)
    personal = ~np.append(blocks.organisation, True)[blocks.group]
    same = _shared_with_the_same(evidence, edge, begins)
    copied: Bools = (vouched | same) & (held >= 2) & (led == held) & personal & (sizes[blocks.group] >= 3)
    return copied


def _shared_with_the_same(evidence: Evidence, edge: Ints, begins: Bools) -> Bools:
    """Accounts all of whose ties are with one and the same set of others.

    ``edge`` is sorted by group and value, ``begins`` marks where a value begins. Sets are compared
    by the sum of a number for each account.
    """
    account = evidence.account[edge]
    numbers = np.random.default_rng(0).integers(1, 2**40, len(evidence.accounts))
    place = np.cumsum(begins) - 1
    sums = np.zeros(int(place.max(initial=-1)) + 1, dtype=np.int64)
    np.add.at(sums, place, numbers[account])
    least = np.full(len(evidence.accounts), np.iinfo(np.int64).max)
    most = np.zeros(len(evidence.accounts), dtype=np.int64)
    np.minimum.at(least, account, sums[place])
    np.maximum.at(most, account, sums[place])
    same: Bools = least == most
    return same


def find_vague(evidence: Evidence, blocks: Blocks) -> Bools:
    """Groups above ``DENSE_FROM`` without a card, document, key or device that few hold."""
    group, value = blocks.group[evidence.account[blocks.edge]], evidence.value[blocks.edge]
    rare = np.isin(evidence.kinds[value], FIRM) & (evidence.holders[value] <= RARE_HOLDERS)
    firm = np.bincount(group[rare], minlength=len(blocks.organisation)) > 0
    return (blocks.sizes() > DENSE_FROM) & ~firm & ~blocks.organisation


def without_groups(blocks: Blocks, dropped: Bools, evidence: Evidence) -> Blocks:
    """The same without some groups; the others are numbered anew, in the same order."""
    if not dropped.any():
        return blocks
    anew = np.append(np.where(dropped, -1, np.cumsum(~dropped) - 1), -1)
    group = anew[blocks.group]
    edge = blocks.edge[group[evidence.account[blocks.edge]] >= 0]
    return Blocks(group, blocks.organisation[~dropped], edge)
