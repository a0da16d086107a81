"""Which providers this server speaks to. The adapters know nothing of each other."""

from typing import Final

from attestation import conf
from attestation.contract import Provider
from attestation.providers.sandbox.adapter import SandboxProvider

SANDBOX: Final[Provider] = SandboxProvider()


def providers() -> list[Provider]:
    """Those that are switched on, the preferred one first."""
    return [SANDBOX] if conf.is_sandbox_offered() else []


def find_provider(name: str) -> Provider | None:
    return next((provider for provider in providers() if provider.name == name), None)


def find_offered(kind: str, environment: str) -> Provider | None:
    """The provider that proves ``kind`` for agents of ``environment``."""
    live = environment == "live"
    return next((p for p in providers() if kind in p.kinds and p.livemode == live), None)
