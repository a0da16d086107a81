"""What the inbox counts: forged and unreadable webhooks are not stored, so this is their only trace."""

from typing import Final

from prometheus_client import Counter

RECEIVED: Final = Counter("ap_webhooks_received", "Webhooks taken in.", ["provider"])
REFUSED: Final = Counter(
    "ap_webhooks_refused", "Webhooks refused, by what was wrong.", ["provider", "reason"]
)
APPLIED: Final = Counter("ap_provider_events_applied", "Provider events applied.", ["provider", "outcome"])
