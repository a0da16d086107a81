"""Which gateway asks: a service's own, by the service's id and secret in a header that the gateway sets.

A gateway's configuration is a file: it cannot renew a token every five minutes, so it shows the
secret. The header is not ``Authorization``, which is the caller's.
"""

import base64
import binascii
import hashlib
import threading
from dataclasses import dataclass

from passport.services.models import Service
from passport.services.registration import check_secret

HEADER = "Passport-Gateway"
REMEMBERED_US = 5_000_000
"""A gateway asks at every request: what it showed is looked up once in so long, in each process."""
MOST_REMEMBERED = 256
MOST_BYTES = 1024


class GatewayUnknown(Exception):
    """Nobody's credentials: the gateway is not set up, and no fault of whoever came through it."""


@dataclass(frozen=True, slots=True)
class Gateway:
    service_id: str
    audience: str


_known: dict[bytes, tuple[int, Gateway]] = {}
_lock = threading.Lock()


def find_gateway(shown: str | None, now_us: int) -> Gateway:
    """One query in REMEMBERED_US. Whether the service is enabled is read with the decision itself.

    Raises GatewayUnknown.
    """
    if not shown or len(shown) > MOST_BYTES:
        raise GatewayUnknown("no credentials")
    digest = hashlib.sha256(shown.encode()).digest()
    seen_us, gateway = _known.get(digest, (0, None))
    if gateway is not None and 0 <= now_us - seen_us < REMEMBERED_US:
        return gateway
    gateway = _look_up(shown)
    with _lock:
        if len(_known) >= MOST_REMEMBERED:
            _known.clear()
        _known[digest] = (now_us, gateway)
    return gateway


def forget() -> None:
    """As if the process had just started."""
    with _lock:
        _known.clear()


def _look_up(shown: str) -> Gateway:
    service_id, secret = _basic(shown)
    service = Service.objects.filter(pk=service_id).first()
    # Nobody's secret is compared too: an unknown service costs what a known one does.
    if not check_secret(service or Service(secret_hash=None), secret) or service is None:
        raise GatewayUnknown("unknown, or another secret")
    return Gateway(service.pk, service.audience)


def _basic(shown: str) -> tuple[str, str]:
    scheme, _, encoded = shown.partition(" ")
    try:
        service_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise GatewayUnknown("malformed") from None
    if scheme.lower() != "basic" or "\0" in service_id:
        raise GatewayUnknown("malformed")
    return service_id, secret
