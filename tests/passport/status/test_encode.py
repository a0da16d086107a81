import contextlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport.jose import base64url
from passport.status.encode import Malformed, compress, get_value, pack, size_in_bytes, unpack, with_values

ONE_BIT = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]
TWO_BITS = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]


@pytest.mark.parametrize(("bits", "values", "content"), [(1, ONE_BIT, "b9a3"), (2, TWO_BITS, "c944f9")])
def test_values_are_packed_from_the_least_significant_bit(bits: int, values: list[int], content: str) -> None:
    packed = with_values(bytes(size_in_bytes(len(values), bits)), bits, dict(enumerate(values)))
    assert packed.hex() == content


@given(st.dictionaries(st.integers(0, 999), st.integers(0, 3)))
def test_what_was_set_is_read_and_nothing_else_has_changed(values: dict[int, int]) -> None:
    content = with_values(bytes(250), 2, values)
    assert {index: get_value(content, 2, index) for index in range(1000)} == dict.fromkeys(
        range(1000), 0
    ) | values


@given(st.binary(max_size=2000))
def test_a_compressed_list_is_zlib_in_base64url(content: bytes) -> None:
    assert zlib.decompress(base64url.decode(compress(content))) == content


@given(st.sets(st.integers(0, 2**17 - 1)))
def test_a_packed_set_is_read_back_in_order(indexes: set[int]) -> None:
    assert list(unpack(pack(indexes))) == sorted(indexes)


@given(st.text(max_size=20))
def test_what_is_no_packed_set_is_refused_or_read_never_a_crash(text: str) -> None:
    with contextlib.suppress(Malformed):
        list(unpack(text))


def test_no_indexes_are_an_empty_text() -> None:
    assert pack([]) == ""
