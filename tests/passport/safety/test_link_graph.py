"""The drawing of a cluster: condensed, the same for the same cluster, with its weakest link."""

from hypothesis import given
from hypothesis import strategies as st

from passport.safety.link_graph import MOST_NODES, Held, Tie, condense, draw

CARD, DEVICE, MAIL = Tie("payment_instrument", "aa"), Tie("device", "bb"), Tie("email", "cc")


def test_few_accounts_are_drawn_one_by_one() -> None:
    drawing = draw({name: [Held(CARD, 7.0), Held(DEVICE, 3.4)] for name in "abc"}, {"a": "Alice"})
    assert [node.name for node in drawing.bundles] == ["Alice", "b", "c"]
    assert {node.tie for node in drawing.ties} == {CARD, DEVICE}
    assert sum(line.weak for line in drawing.lines) == 3


def test_the_weakest_link_is_the_thinnest_on_the_way_to_the_core() -> None:
    members = {
        "a": [Held(CARD, 7.0)],
        "b": [Held(CARD, 7.0), Held(MAIL, 2.0)],
        "c": [Held(MAIL, 2.0)],
    }
    weakest = draw(members, {}).weakest
    assert weakest is not None
    assert (weakest.tie, weakest.bits, weakest.leaves) == (MAIL, 2.0, 1)


def test_many_accounts_are_gathered_by_what_ties_them_firmly() -> None:
    members = {
        f"{side}{number}": [Held(Tie("device", side), 3.0), Held(MAIL, 9.0)]
        for side in "lr"
        for number in range(10)
    }
    assert [bundle.size for bundle in condense(members)] == [10, 10]


numbers = st.integers(0, 7)
members_of_any_cluster = st.dictionaries(
    st.integers(0, 99).map(str),
    st.lists(st.tuples(st.sampled_from(["device", "email"]), numbers), max_size=3),
    max_size=20,
)


@given(members_of_any_cluster)
def test_any_cluster_fits_the_page_and_loses_nobody(drawn: dict[str, list[tuple[str, int]]]) -> None:
    members = {
        name: [Held(Tie(kind, str(bits)), bits) for kind, bits in ties] for name, ties in drawn.items()
    }
    drawing = draw(members, {})
    assert len(drawing.bundles) <= MOST_NODES
    assert len(drawing.ties) <= MOST_NODES
    assert drawing.more_bundles >= 0
    assert sorted(one for bundle in condense(members) for one in bundle.accounts) == sorted(members)
