"""Which network addresses a request may leave for. Pure: looking names up is lookups.py's work."""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""RFC 6052 section 2.1. The local prefix 64:ff9b:1::/48 (RFC 8215) is never global."""
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""All that IANA has opened of IPv6; what lies outside is special, or not given out yet."""
NEVER = tuple(
    ipaddress.ip_network(block)
    for block in (
        "192.88.99.0/24",  # RFC 7526: the withdrawn relay of 6to4
        "2001::/23",  # RFC 2928: protocols, Teredo among them
        "3fff::/20",  # RFC 9637: documentation
    )
)
"""Not global by the special-purpose registries, but not known as such to every Python that we run on."""


def carried(address: Address) -> list[Address]:
    """The IPv4 addresses that an IPv6 address carries within: mapped, NAT64, 6to4, Teredo."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found: list[Address] = [inner for inner in (address.ipv4_mapped, address.sixtofour) if inner]
    found += address.teredo or ()
    if address in NAT64:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return found


def is_public(address: Address) -> bool:
    """Whether it, and all that it carries, is a global unicast address."""
    inner = carried(address)
    # A mapped or translated address is only a way of writing the one it carries.
    written = isinstance(address, ipaddress.IPv6Address) and bool(address.ipv4_mapped or address in NAT64)
    return all(_is_global(one) for one in (inner if written else [address, *inner]))


def _is_global(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address not in GLOBAL_UNICAST:
        return False
    if any(address in block for block in NEVER):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved
