"""What a group of accounts may be called, and who is not to be counted in it (LINKAGE sections 2.6 and 2.7).

Pure. The rules are the same for a neighbourhood and for the whole.
"""

import numpy as np

from accounts.linkage.columns import KIND_NUMBER, PROOFS, Bools, Evidence
from accounts.linkage.graph import Blocks, find_blocks
from accounts.linkage.weigh import DOCUMENT, PAYMENT

LEAD_SECONDS = 7 * 86_400
"""Whoever copies a card and a device sees them first; a week tells him from an owner of two accounts."""
DENSE_FROM = 50
"""A larger block must have something rare in it: namesakes share common values in cycles too."""
RARE_HOLDERS = 8
FIRM = tuple(KIND_NUMBER[kind] for kind in (PAYMENT, DOCUMENT, "key_thumbprint", "device"))


def find_grouped(evidence: Evidence) -> Blocks:
    """The blocks, without those who look copied, and without large blocks that nothing rare holds."""
    blocks = find_blocks(evidence)
    copied = find_copied(evidence, blocks)
    if copied.any():
        blocks = find_blocks(evidence, without=copied)
    return without_groups(blocks, find_vague(evidence, blocks), evidence)


def find_copied(evidence: Evidence, blocks: Blocks) -> Bools:
    """Members who had everything they share in their group a week before anybody else in it.

    Only who is vouched for by a document, and only where two others remain. Such a member is the
    source of what the others use: robbed, or the first of them; shown beside, not acted on.
    """
    edge = blocks.edge
    group, value = blocks.group[evidence.account[edge]], evidence.value[edge]
    order = np.lexsort((evidence.account[edge], evidence.first[edge], value, group))
    edge, group, value = edge[order], group[order], value[order]
    begins = np.ones(len(edge), dtype=bool)
    begins[1:] = (group[1:] != group[:-1]) | (value[1:] != value[:-1])
    leads = np.zeros(len(edge), dtype=bool)
    first = evidence.first[edge]
    leads[:-1] = begins[:-1] & ~begins[1:] & (first[1:] - first[:-1] >= LEAD_SECONDS)
    number = len(evidence.accounts)
    held = np.bincount(evidence.account[edge], minlength=number)
    led = np.bincount(evidence.account[edge[leads]], minlength=number)
    sizes = np.append(blocks.sizes(), 0)
    personal = ~np.append(blocks.organisation, True)[blocks.group]
    vouched = (evidence.proofs & PROOFS[DOCUMENT]) > 0
    copied: Bools = (held >= 2) & (led == held) & vouched & personal & (sizes[blocks.group] >= 3)
    return copied


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
