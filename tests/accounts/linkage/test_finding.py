"""What a rebuild adds to the blocks: who is gathered, and above all who is not."""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np

from accounts.linkage.columns import Evidence, Sighting, Value, gather
from accounts.linkage.finding import find_clusters
from accounts.linkage.schedules import SLOTS

DAY = 86_400
type Seen = tuple[str, str, str, int]


def evidence_of(seen: list[Seen]) -> Evidence:
    return gather(
        Sighting(account, Value(kind, value.encode().ljust(32)), day * DAY, day * DAY)
        for account, kind, value, day in dict.fromkeys(seen)
    )


def groups(seen: list[Seen]) -> dict[frozenset[str], str]:
    return {group.accounts: group.grade for group in find_clusters(evidence_of(seen)).groups}


def people(count: int = 400) -> list[Seen]:
    """Honest accounts, each with a number of its own; half have a document."""
    seen: list[Seen] = []
    for number in range(count):
        seen.append((f"acc_{number}", "phone", f"own {number}", number % 90))
        if number % 2:
            seen.append((f"acc_{number}", "government_document", f"paper {number}", 1))
    return seen


def hydra(*names: str, day: int = 0) -> list[Seen]:
    return [(name, kind, kind, day) for name in names for kind in ("payment_instrument", "device")]


def chain(names: list[str]) -> list[Seen]:
    """Each shares one card with the next; nobody has a proof."""
    pairs = pairwise(names)
    return [
        (one, "payment_instrument", f"card {number}", 5) for number, pair in enumerate(pairs) for one in pair
    ]


MALLORY = [f"m_{number}" for number in range(20)]


def test_a_chain_that_nobody_vouches_for_is_gathered_as_suspected() -> None:
    assert groups([*people(), *chain(MALLORY)]) == {frozenset(MALLORY): "suspected"}


def test_the_same_chain_of_people_with_documents_is_left_alone() -> None:
    proven = [(one, "government_document", f"paper of {one}", 1) for one in MALLORY]
    assert groups([*people(), *chain(MALLORY), *proven]) == {}


def test_a_family_is_too_small_to_be_suspected() -> None:
    assert groups([*people(), *chain(MALLORY[:5])]) == {}


def test_a_card_that_a_whole_office_has_makes_nobody_suspected() -> None:
    office = [(one, "payment_instrument", "office card", 3) for one in MALLORY]
    assert groups([*people(), *office]) == {}


def test_who_shares_two_kinds_with_two_members_joins() -> None:
    core = MALLORY[:8]
    shared = [(one, "email", f"box {one[-1]}", 2) for one in core[:2]]
    newcomer = [
        ("late", "email", "box 0", 90),
        ("late", "key_thumbprint", "key", 90),
        (core[1], "key_thumbprint", "key", 3),
    ]
    found = groups([*people(), *hydra(*core), *shared, *newcomer])
    assert found == {frozenset([*core, "late"]): "linked"}


def test_who_shares_two_kinds_with_one_member_alone_stays_out() -> None:
    core = MALLORY[:8]
    relative = [
        (one, kind, kind + " at home", 1) for one in (core[0], "relative") for kind in ("email", "phone")
    ]
    found = groups([*people(), *hydra(*core), *relative])
    assert not any("relative" in group and len(group) > 2 for group in found)


def test_somebody_with_a_document_whose_card_and_device_two_others_copied_is_not_counted_in() -> None:
    core = MALLORY[:8]
    victim = [("victim", "government_document", "paper of the victim", 1)]
    copies: list[Seen] = []
    for kind in ("payment_instrument", "device"):
        copies.append(("victim", kind, f"victim's {kind}", 1))
        copies += [(one, kind, f"victim's {kind}", 40) for one in core[:2]]
    found = groups([*people(), *hydra(*core, day=35), *victim, *copies])
    assert found == {frozenset(core): "linked"}


def test_accounts_in_step_without_proofs_become_a_group_for_review() -> None:
    evidence = evidence_of([*people(), *[(one, "email", one, 0) for one in MALLORY]])
    number = {name: place for place, name in enumerate(evidence.accounts)}
    generator = np.random.default_rng(1)
    days = []
    for day in range(10):
        bits = generator.random((len(number), SLOTS)) < 0.01
        bits[[number[one] for one in MALLORY]] = False
        common = generator.integers(0, SLOTS, 3)
        for one in MALLORY:
            bits[number[one], common] = True
        everybody = np.arange(len(number))
        days.append((date(2026, 3, 1) + timedelta(days=day), everybody, np.packbits(bits, axis=1)))
    found = find_clusters(evidence, days).groups
    assert [(group.accounts, group.grade) for group in found] == [(frozenset(MALLORY), "synchronous")]


def test_platform_customers_in_step_who_are_vouched_for_are_left_alone() -> None:
    proven = [(one, "social_identity", f"social {one}", 0) for one in MALLORY]
    evidence = evidence_of([*people(), *proven])
    number = {name: place for place, name in enumerate(evidence.accounts)}
    bits = np.zeros((len(number), SLOTS), dtype=bool)
    bits[[number[one] for one in MALLORY], 100] = True
    packed = np.packbits(bits, axis=1)
    days = [(date(2026, 3, 1 + day), np.arange(len(number)), packed) for day in range(10)]
    assert find_clusters(evidence, days).groups == []
