"""How a client comes to a door where it asks for a person: pushed requests and devices begin alike."""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest

from passport.agents.clients import OAuthClient
from passport.conf import issuer
from passport.exchange.exchange import check_fresh_since
from passport.exchange.person_backing import check_backing, find_backing
from passport.exchange.person_grants import client_of
from passport.exchange.request import TokenRequest
from passport.limits.buckets import Bucket
from passport.oauth.clients import Anonymous, Authenticated, authenticate
from passport.oauth.forms import Form
from passport.oauth.spending import spend_push
from passport.oauth.token import caller_of, proofs_of
from passport.proofs import nonces
from passport.proofs.dpop import Proof, check_proof


@dataclass(frozen=True, slots=True)
class Asking:
    """The client, as registered and in good standing, and the key it proved. Nothing is spent yet."""

    caller: Authenticated | Anonymous
    client: OAuthClient
    proof: Proof | None
    now: datetime

    def spend(self, limit: Bucket) -> None:
        """Its assertion, its proof and a unit of ``limit``, all or nothing: see ``spend_push``."""
        spend_push(self.caller, self.proof, limit, self.client.client_id, self.now)

    def headers(self) -> dict[str, str]:
        """A nonce for the next proof of who sends proofs."""
        return {"DPoP-Nonce": nonces.issue(self.now)} if self.proof else {}


def read_asking(form: Form, request: HttpRequest, *, door: str, grant_type: str, now: datetime) -> Asking:
    """Client, then its state, then its proof at ``door``, a path of ours (STANDARDS section 5).

    Raises InvalidClient, UnauthorizedClient, InvalidDpopProof, UseDpopNonce, TemporarilyUnavailable.
    """
    caller = authenticate(form, request, now)
    asked = TokenRequest(form, proofs_of(request), caller_of(caller), issuer(), now)
    client = client_of(asked, grant_type=grant_type)
    backing = find_backing(client, user_id=None, audience="", now=now)
    check_backing(backing, now)
    proof = None
    if asked.proofs:
        proof = check_proof(asked.proofs, method="POST", url=issuer() + door, now=now, nonces=nonces)
    check_fresh_since(asked, proof, backing.changes)
    return Asking(caller, client, proof, now)
