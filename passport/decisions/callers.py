"""Who asks: a service, with its own token for ``ISS/v1`` and the scope ``decisions.evaluate``."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.http import HttpRequest

from passport.admission.presented import spend_proof
from passport.conf import issuer
from passport.errors import AccessDenied
from passport.proofs.service_tokens import Presented, read_service_token
from passport.services.models import Service

SCOPE = "decisions.evaluate"


@dataclass(frozen=True, slots=True)
class Caller:
    """A service. ``audience`` names the only resource it may ask about."""

    service_id: str
    audience: str


def find_caller(request: HttpRequest, now: datetime) -> Caller:
    """One signature check; with a proof two, and a trip to the store of used ones.

    Raises InvalidToken, InvalidDpopProof, UseDpopNonce (401) and AccessDenied (403). Whether the
    service is still enabled is read with the decision itself.
    """
    presented = Presented.of(request.headers, method=request.method, url=issuer() + request.path)
    token = read_service_token(presented, scope=SCOPE, issuer=issuer(), now=now)
    spend_proof(token, issuer=issuer(), scope=SCOPE, now=now)
    try:
        return Caller(token.service_id, _audience(token.service_id))
    except Service.DoesNotExist:
        raise AccessDenied("the token is not that of a service") from None


@lru_cache(maxsize=1024)
def _audience(service_id: str) -> str:
    """Never changes in the life of a service: asked once in each process. Raises Service.DoesNotExist."""
    return Service.objects.values_list("audience", flat=True).get(pk=service_id)
