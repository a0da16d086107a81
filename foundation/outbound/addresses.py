"""Which network addresses a request may leave for. Pure but for the one look-up."""

import ipaddress
import socket

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""RFC 6052 section 2.1. The local prefix 64:ff9b:1::/48 (RFC 8215) is not global anyway."""


class ForbiddenAddress(Exception):
    """The name leads to an address that is not on the public internet."""


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
    return address.is_global and not address.is_multicast and not address.is_reserved


def resolve(host: str, port: int, *, allow_private: bool) -> str:
    """One address to connect to. Every address of the name must be public, not only that one.

    Raises ForbiddenAddress, or OSError where the name leads nowhere.
    """
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in infos]
    if not addresses:
        raise OSError("the name has no address")
    if not allow_private and not all(is_public(address) for address in addresses):
        raise ForbiddenAddress("the name leads to an address that is not public")
    return str(addresses[0])
