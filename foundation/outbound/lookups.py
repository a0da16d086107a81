"""Looks a name up: once, all of its addresses, within the time there is."""

import ipaddress
import queue
import socket
import threading
from typing import Any

from foundation.outbound.addresses import is_public

MOST_ADDRESSES = 16
"""Of an honest name; a longer answer is somebody's attempt at keeping us busy."""
LOOKING = threading.BoundedSemaphore(10)
"""Look-ups that the system still works on. It cannot be told to stop, so one that was given up counts."""


class ForbiddenAddress(Exception):
    """The name leads to an address that is not on the public internet."""


def resolve(host: str, port: int, *, allow_private: bool, seconds: float) -> list[str]:
    """The addresses to connect to, in the system's order. Every one must be public.

    Raises ForbiddenAddress; OSError where the name leads nowhere or too far; TimeoutError.
    """
    answer = _look_up(host, port, seconds)
    addresses = list(dict.fromkeys(str(info[4][0]).partition("%")[0] for info in answer))
    if not 1 <= len(addresses) <= MOST_ADDRESSES:
        raise OSError("the name has no address, or too many")
    if not allow_private and not all(is_public(ipaddress.ip_address(address)) for address in addresses):
        raise ForbiddenAddress("the name leads to an address that is not public")
    return addresses


def _look_up(host: str, port: int, seconds: float) -> list[Any]:
    """The system's own look-up, which knows no timeout: on a thread that nobody has to wait for."""
    if not LOOKING.acquire(timeout=seconds):
        raise TimeoutError("too many look-ups are under way")
    found: queue.SimpleQueue[list[Any] | OSError | ValueError] = queue.SimpleQueue()

    def look() -> None:
        try:
            found.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except (OSError, ValueError) as failure:
            found.put(failure)
        finally:
            LOOKING.release()

    threading.Thread(target=look, name="look-up", daemon=True).start()
    try:
        answer = found.get(timeout=max(0.0, seconds))
    except queue.Empty:
        raise TimeoutError("the look-up took too long") from None
    if isinstance(answer, Exception):
        raise answer
    return answer
