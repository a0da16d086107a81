"""Finds accounts that act in step: the same five minutes on the same days, again and again.

A window of four weeks is looked at at a time, so memory is that of its starts of activity.
Accounts that are alike are found by MinHash (Broder 1997), never by comparing all pairs, and
each pair is then counted exactly: how surprising are the moments they have in common? Pure.

Customers of one automation platform act in step too. So a group counts only where far fewer
are vouched for than elsewhere, and what it leads to is a shared budget and a look, no more.
"""

import math
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import batched

import numpy as np

from accounts.linkage.columns import Bools, Bytes, Evidence, Ints
from accounts.linkage.graph import roots

WINDOW_DAYS = 28
SLOTS = 288
GRAIN = 2
"""Slots that count as one moment: a job that starts a little late is still in step."""
LEAST_MOMENTS = 5
LEAST_DAYS = 3
LEAST_BITS = 48.0
"""Of what two accounts have in common; a population has some 2^40 pairs."""
LEAST_GROUP = 8
CRON_SHARE = 0.7
CRON_FACTOR = 4
"""A slot this much above the median on so many days is everybody's: full hours, midnight."""
BANDS, ROWS = 24, 3
MOST_PROVEN, LEAST_Z = 0.6, -3.0
PRIME = 2_147_483_647
SEED = 20_261

type Day = tuple[date, Ints, Bytes]


def find_in_step(evidence: Evidence, days: Iterable[Day], group: Ints, barred: Bools) -> Ints:
    """The groups with those added who act in step, are in no group, and are seldom vouched for.

    ``days`` gives for each day the accounts at work and their slots, 36 bytes each.
    """
    number = len(evidence.accounts)
    found = np.arange(number)
    free = (group < 0) & ~barred
    for window in _windows(days):
        account, moment = _moments(window)
        lumps = _in_step(account, moment, number)
        everybody = np.arange(number)
        found = roots(number, np.concatenate([everybody, everybody]), np.concatenate([found, lumps]))
    return _add(group, found, free, evidence.proofs > 0)


def _windows(days: Iterable[Day]) -> Iterator[list[Day]]:
    """Four weeks each, half of them anew: what is done in step need not begin with a window."""
    before: list[Day] = []
    for half in batched(days, WINDOW_DAYS // 2):
        if before:
            yield [*before, *half]
        before = list(half)
    if before:
        yield before


def _moments(window: list[Day]) -> tuple[Ints, Ints]:
    """Who began to act when: pairs of account and moment, a moment being a day and a place in it."""
    starts = [(at, *_starts(slots), account) for at, (_, account, slots) in enumerate(window)]
    counts = np.array([np.bincount(slot, minlength=SLOTS) for _, _, slot, _ in starts])
    usual = np.maximum(np.median(counts, axis=1, keepdims=True), 3)
    cron = (counts > CRON_FACTOR * usual).mean(axis=0) >= CRON_SHARE
    accounts, moments = [], []
    for at, row, slot, account in starts:
        keep = ~cron[slot]
        accounts.append(account[row[keep]])
        moments.append(at * SLOTS + slot[keep] // GRAIN)
    pairs = np.unique(np.concatenate(accounts) * (SLOTS * WINDOW_DAYS) + np.concatenate(moments))
    return pairs // (SLOTS * WINDOW_DAYS), pairs % (SLOTS * WINDOW_DAYS)


def _starts(slots: Bytes) -> tuple[Ints, Ints]:
    bits = np.unpackbits(slots, axis=1)
    bits[:, 1:] &= 1 - bits[:, :-1]
    account, slot = np.nonzero(bits)
    return account.astype(np.int64), slot.astype(np.int64)


def _in_step(account: Ints, moment: Ints, number: int) -> Ints:
    """For each account the least account of the lump that it acts in step with."""
    busy = np.bincount(account, minlength=number)
    keep = busy[account] >= LEAST_MOMENTS
    account, moment = account[keep], moment[keep]
    if not len(account):
        return np.arange(number)
    names, begin = np.unique(account, return_index=True)
    left, right = _alike(moment, begin)
    surprise = np.log2(len(names) / np.bincount(moment)[moment])
    end = np.append(begin[1:], len(moment))
    steady = [
        place
        for place, (one, other) in enumerate(zip(left.tolist(), right.tolist(), strict=True))
        if _is_in_step(moment, surprise, slice(begin[one], end[one]), slice(begin[other], end[other]))
    ]
    left, right = left[steady], right[steady]
    # Whoever is in step with one other alone may be so by chance.
    several = np.bincount(np.concatenate([left, right]), minlength=len(names)) > 1
    both = several[left] & several[right]
    return roots(number, names[left[both]], names[right[both]])


def _alike(moment: Ints, begin: Ints) -> tuple[Ints, Ints]:
    """Pairs of places in ``begin`` whose moments are likely to be alike."""
    generator = np.random.default_rng(SEED)
    lefts, rights = [], []
    for _ in range(BANDS):
        key = np.zeros(len(begin), dtype=np.uint64)
        for _ in range(ROWS):
            factor, shift = generator.integers(1, PRIME, 2)
            least = np.minimum.reduceat((moment * factor + shift) % PRIME, begin)
            key = key * np.uint64(0x9E3779B97F4A7C15) + least.astype(np.uint64)
        order = np.argsort(key, kind="stable")
        # The next two: so everybody of three and more has two others.
        for apart in (1, 2):
            same = np.flatnonzero(key[order][apart:] == key[order][:-apart])
            lefts.append(order[same])
            rights.append(order[same + apart])
    left, right = np.concatenate(lefts), np.concatenate(rights)
    pairs = np.unique(np.minimum(left, right) * len(begin) + np.maximum(left, right))
    return pairs // len(begin), pairs % len(begin)


def _is_in_step(moment: Ints, surprise: "np.ndarray", one: slice, other: slice) -> bool:
    common, place, _ = np.intersect1d(moment[one], moment[other], assume_unique=True, return_indices=True)
    if len(common) < LEAST_MOMENTS or len(np.unique(common // SLOTS)) < LEAST_DAYS:
        return False
    return bool(surprise[one][place].sum() >= LEAST_BITS)


def _add(group: Ints, found: Ints, free: Bools, proven: Bools) -> Ints:
    after = group.copy()
    share = float(proven.mean()) if len(proven) else 0.0
    number = int(group.max(initial=-1)) + 1
    for members in _lumps(found, free):
        size, vouched = len(members), int(proven[members].sum())
        spread = math.sqrt(size * share * (1 - share))
        if spread and vouched <= MOST_PROVEN * share * size and (vouched - size * share) / spread < LEAST_Z:
            after[members] = number
            number += 1
    return after


def _lumps(found: Ints, free: Bools) -> Iterator[Ints]:
    root = found[free]
    large = np.flatnonzero(np.bincount(root, minlength=len(found)) >= LEAST_GROUP)
    for one in large:
        yield np.flatnonzero((found == one) & free)
