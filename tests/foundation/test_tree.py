import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.ledger.tree import EMPTY_ROOT, Frontier, inclusion_path, root_from_path, root_of

leaves = st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=40)

# The eight inputs and roots that the Certificate Transparency project tests with.
CT_INPUTS = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
CT_ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


@pytest.mark.parametrize(("size", "root"), CT_ROOTS.items())
def test_roots_are_those_of_certificate_transparency(size: int, root: str) -> None:
    assert root_of(bytes.fromhex(leaf) for leaf in CT_INPUTS[:size]).hex() == root


def test_the_empty_root_is_the_hash_of_nothing() -> None:
    assert Frontier().root() == EMPTY_ROOT == hashlib.sha256().digest()


@given(leaves, st.data())
def test_a_tree_continued_from_its_frontier_has_the_same_root(data: list[bytes], draw: st.DataObject) -> None:
    cut = draw.draw(st.integers(0, len(data)))
    first = Frontier()
    for leaf in data[:cut]:
        first.add(leaf)
    second = Frontier(first.size, first.hashes)
    for leaf in data[cut:]:
        second.add(leaf)
    assert second.root() == root_of(data)


@given(leaves, st.data())
def test_every_leaf_has_a_path_to_the_root_and_no_other_leaf_has_it(
    data: list[bytes], draw: st.DataObject
) -> None:
    index = draw.draw(st.integers(0, len(data) - 1))
    path = inclusion_path(data, index)
    assert root_from_path(data[index], index, len(data), path) == root_of(data)
    assert root_from_path(data[index] + b"x", index, len(data), path) != root_of(data)
