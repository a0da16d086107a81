"""Makes the secrets that production settings ask for."""

import base64
import secrets
from typing import Any

from django.core.management.base import BaseCommand

from foundation.ids import new_id


class Command(BaseCommand):
    help = "Print a fresh AP_SECRET_KEY and a key for AP_KEY_RING (put a new key first; keep the old ones)."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        key_id = new_id("k")[-8:].lower()
        self.stdout.write(f"AP_SECRET_KEY={secrets.token_urlsafe(48)}")
        self.stdout.write(f"AP_KEY_RING={key_id}:{base64.b64encode(secrets.token_bytes(32)).decode()}")
