"""Components may be looked at anywhere, in any order: what is found is what one look at the whole finds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.linkage.columns import Evidence, Sighting, Value, gather
from accounts.linkage.components import find_piece, largest_share, pieces, put_together
from accounts.linkage.grades import find_grouped

KINDS = ["device", "payment_instrument", "government_document", "domain"]
seen = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from(KINDS), st.integers(0, 9), st.integers(0, 60)), max_size=90
)


def evidence_of(rows: list[tuple[int, str, int, int]]) -> Evidence:
    first = {(account, kind, value): day * 86_400 for account, kind, value, day in rows}
    return gather(
        Sighting(f"acc_{account:02d}", Value(kind, f"{value}".encode().ljust(32)), day, day)
        for (account, kind, value), day in first.items()
    )


@settings(max_examples=60)
@given(seen, st.sampled_from([1, 7, 1_000]), st.randoms(use_true_random=False))
def test_pieces_of_any_size_in_any_order_give_the_same_groups(rows, edges, random) -> None:
    evidence = evidence_of(rows)
    found = [find_piece(piece) for piece in pieces(evidence, edges=edges)]
    random.shuffle(found)
    together, whole = put_together(evidence, found), find_grouped(evidence)
    for mine, theirs in zip(
        (together.blocks.group, together.blocks.organisation, together.blocks.edge, together.copied),
        (whole.blocks.group, whole.blocks.organisation, whole.blocks.edge, whole.copied),
        strict=True,
    ):
        np.testing.assert_array_equal(mine, theirs)


@given(seen)
@settings(max_examples=20)
def test_no_edge_is_in_two_pieces(rows) -> None:
    edges = [edge for piece in pieces(evidence_of(rows), edges=1) for edge in piece.edge.tolist()]
    assert len(edges) == len(set(edges))


def test_a_declared_domain_makes_no_giant_component() -> None:
    domain = [(account, "domain", 1, 0) for account in range(8)]
    assert largest_share(evidence_of(domain)) == pytest.approx(1 / 8)
    assert largest_share(evidence_of([*domain, (0, "device", 1, 0), (1, "device", 1, 0)])) == pytest.approx(
        2 / 8
    )
    assert largest_share(evidence_of([])) == 0.0
