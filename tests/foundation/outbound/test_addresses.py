"""Which addresses are public: by example, and against the registries' own ranges."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.outbound.addresses import is_public

FORBIDDEN = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "224.0.0.1", "255.255.255.255", "192.0.2.1", "192.88.99.1", "198.18.0.1", "240.0.0.1",
    "::1", "::", "::7f00:1", "fe80::1", "fec0::1", "fc00::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1",
    "2002:7f00:1::", "2002:a00:1::", "2001:0:7f00:1::", "2001:0:5db8:d822::f5fe:fdfc", "2001:db8::1",
    "2001:2::1", "3fff::1", "5f00::1", "100::1", "4000::1",
]  # fmt: skip
PUBLIC = [
    "93.184.216.34",
    "1.1.1.1",
    "2606:4700:4700::1111",
    "::ffff:1.1.1.1",
    "64:ff9b::101:101",
    "2002:101:101::1",
]
SPECIAL4 = [
    ipaddress.ip_network(block)
    for block in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.2.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
    )
]  # fmt: skip
WRITTEN = {
    "mapped": lambda four: (0xFFFF << 32) | four,
    "nat64": lambda four: (0x64FF9B << 96) | four,
    "6to4": lambda four: (0x2002 << 112) | (four << 80) | 1,
    "teredo": lambda four: (0x20010000 << 96) | (0x01010101 << 64) | (four ^ 0xFFFFFFFF),
}

fours = st.integers(min_value=0, max_value=2**32 - 1)
special = st.sampled_from(SPECIAL4).flatmap(
    lambda block: st.integers(int(block.network_address), int(block.broadcast_address))
)


@pytest.mark.parametrize("address", FORBIDDEN)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_admitted(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@given(special)
def test_no_address_of_a_special_block_is_public(four: int) -> None:
    assert not is_public(ipaddress.IPv4Address(four))


@given(special, st.sampled_from(sorted(WRITTEN)))
def test_a_private_address_stays_private_however_it_is_written(four: int, way: str) -> None:
    assert not is_public(ipaddress.IPv6Address(WRITTEN[way](four)))


@given(fours, st.sampled_from(["mapped", "nat64"]))
def test_a_written_address_is_as_public_as_the_one_it_carries(four: int, way: str) -> None:
    assert is_public(ipaddress.IPv6Address(WRITTEN[way](four))) == is_public(ipaddress.IPv4Address(four))


@given(st.integers(min_value=0, max_value=2**128 - 1))
def test_what_is_public_lies_in_the_open_part_of_the_internet(six: int) -> None:
    address = ipaddress.IPv6Address(six)
    if is_public(address):
        assert (
            address in ipaddress.ip_network("2000::/3")
            or address in ipaddress.ip_network("64:ff9b::/96")
            or address.ipv4_mapped
        )
        assert address.is_global or address.ipv4_mapped
