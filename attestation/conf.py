"""Settings of this app, read in one place; functions take them as parameters.

The key and the webhook secrets that the sandbox provider and its adapter share are derived
from the key ring, one for each ring key: rotating the ring rotates them, and what was signed
under the old one stays good until that key leaves the ring.
"""

import base64

from django.conf import settings

from foundation.sealing import keys

SANDBOX_PATH = "/sandbox-provider"


def is_sandbox_offered() -> bool:
    return bool(settings.SANDBOX_PROVIDER)


def issuer() -> str:
    """Our own origin, without a trailing slash: the sandbox provider lives there too."""
    return str(settings.ISSUER)


def sandbox_api_keys() -> list[str]:
    """Newest first: the adapter sends the first, the simulator accepts all."""
    derived = (keys.derive("sandbox-provider/api", key_id) for key_id in keys.key_ids())
    return [f"sbk_{base64.urlsafe_b64encode(key).decode().rstrip('=')}" for key in derived]


def sandbox_webhook_secrets() -> list[str]:
    """Newest first, as Standard Webhooks spells them: the simulator signs with the first."""
    derived = (keys.derive("sandbox-provider/webhook", key_id) for key_id in keys.key_ids())
    return [f"whsec_{base64.b64encode(key).decode()}" for key in derived]
