import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport.errors import InvalidRequest
from passport.exchange.delegation import MAX_DEPTH, act_claim, extend, holder, parse_act


def test_the_newest_actor_is_outermost() -> None:
    chain = extend(extend((), subject="alice", actor="scout"), subject="alice", actor="clerk")
    assert act_claim(chain) == {"sub": "clerk", "act": {"sub": "scout"}}
    assert holder(chain, subject="alice") == "clerk"


def test_without_an_actor_the_subject_holds_its_token() -> None:
    assert act_claim(()) is None
    assert holder((), subject="alice") == "alice"


def test_a_fifth_actor_is_refused() -> None:
    chain = ("d", "c", "b", "a")
    with pytest.raises(InvalidRequest, match="deeper than 4"):
        extend(chain, subject="alice", actor="e")


@pytest.mark.parametrize("actor", ["alice", "scout"])
def test_an_actor_cannot_come_twice(actor: str) -> None:
    with pytest.raises(InvalidRequest, match="twice"):
        extend(("scout",), subject="alice", actor=actor)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["sub", "act"]), inner),
)


@given(json_values)
def test_any_claim_is_a_chain_or_a_refusal(claim: object) -> None:
    try:
        chain = parse_act(claim)
    except InvalidRequest:
        return
    assert len(chain) <= MAX_DEPTH
    assert parse_act(act_claim(chain)) == chain


@given(st.lists(st.sampled_from("abcdef")))
def test_however_actors_follow_the_chain_keeps_its_rules(actors: list[str]) -> None:
    chain: tuple[str, ...] = ()
    for actor in actors:
        try:
            chain = extend(chain, subject="a", actor=actor)
        except InvalidRequest:
            continue
        assert chain[0] == actor
    assert len(chain) <= MAX_DEPTH
    assert len({*chain, "a"}) == len(chain) + 1
