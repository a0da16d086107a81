"""A service changes the keys by which it authenticates."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from foundation.ledger.append import append
from passport.agents.keys import PublicKey
from passport.services.models import Service


def set_keys(service: Service, keys: Sequence[PublicKey], *, actor: str, now: datetime) -> None:
    """From now it may sign its assertions with exactly these; its secret stays."""
    jwks = {"keys": [{**key.jwk, "kid": key.kid, "alg": key.alg} for key in keys]} if keys else {}
    with transaction.atomic():
        Service.objects.filter(pk=service.pk).update(jwks=jwks)
        append(
            "service.keys_changed",
            actor=actor,
            subject_ids=[service.pk, *([service.account_id] if service.account_id else [])],
            payload={"thumbprints": [key.thumbprint for key in keys]},
            at=now,
        )
    service.jwks = jwks
