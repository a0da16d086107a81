"""What the operator decides about requests that leave the house."""

from django.conf import settings


def ca_file() -> str:
    """A PEM file of authorities that are trusted beside the system's; empty: none."""
    return str(settings.OUTBOUND_CA_FILE)


def private_hosts() -> frozenset[str]:
    """``name:port`` of hosts in the operator's own network, which may lead to private addresses."""
    return frozenset(settings.OUTBOUND_PRIVATE_HOSTS)
