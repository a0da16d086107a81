"""What a person reads before they decide: who asks, for what, where the answer goes, until when."""

import hashlib
import json
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.owners.models import Account
from accounts.people.models import User
from attestation.evidence.standing import levels_of
from passport.agents import own_api
from passport.agents.clients import AGENT, DOCUMENT, OAuthClient
from passport.agents.redirect_uris import host_of, is_loopback
from passport.consents.give import LIFE
from passport.exchange.consenting import Ask
from passport.exchange.details import details_claim
from passport.oauth.authorization_request import Asker
from passport.oauth.choosing_account import choices
from passport.services.models import Scope, Service

LEVEL_WORDS = {
    "none": _("nothing about it was proven"),
    "email": _("its owner's e-mail address was confirmed"),
    "federated": _("its owner was identified by another provider"),
    "document": _("its owner was identified by a document"),
}


def describe_request(user: User, asker: Asker, ask: Ask, now: datetime) -> dict[str, Any]:
    """The context of the page. Some five queries."""
    client = asker.client
    return {
        "client": client,
        "client_host": host_of(client.client_id) if client.kind == DOCUMENT else "",
        "person": user,
        "services": describe_services(ask),
        "memberships": choices(ask, user),
        "details": [detail.words() for detail in ask.details],
        "redirect_host": host_of(asker.redirect_uri),
        "on_this_machine": is_loopback(asker.redirect_uri),
        "only_local": all(not uri.startswith("https://") for uri in client.redirect_uris),
        "expires_at": now + LIFE,
        **describe_owner(client, now),
    }


def digest_of_page(asker: Asker, ask: Ask) -> str:
    """What the person's answer is about: when any of it changed meanwhile, the page is shown again."""
    said = [
        asker.client.client_id,
        asker.client.name,
        asker.redirect_uri,
        ask.resources,
        sorted(ask.scopes),
        details_claim(ask.details),
    ]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def describe_services(ask: Ask) -> list[dict[str, Any]]:
    """Each service with the asked scopes in its own words."""
    names = dict(Service.objects.filter(audience__in=ask.resources).values_list("audience", "name"))
    words = Scope.objects.filter(service__audience__in=ask.resources, name__in=ask.scopes)
    rows = list(words.order_by("name").values("service__audience", "name", "description"))
    return [
        {
            "audience": audience,
            "name": names.get(audience, audience),
            "scopes": [row for row in rows if row["service__audience"] == audience],
        }
        if audience != own_api.audience()
        else describe_own_api(ask)
        for audience in ask.resources
    ]


def describe_own_api(ask: Ask) -> dict[str, Any]:
    words = [{"name": name, "description": own_api.SCOPES[name]} for name in own_api.SCOPES]
    scopes = [row for row in words if row["name"] in ask.scopes]
    return {"audience": own_api.audience(), "name": own_api.NAME, "scopes": scopes}


def describe_owner(client: OAuthClient, now: datetime) -> dict[str, Any]:
    """How the client came here, and what is known of who runs it."""
    if client.kind != AGENT or client.account_id is None:
        return {"checked": False}
    account = Account.objects.filter(pk=client.account_id).first()
    level = levels_of(client.account_id, client.environment or "", now).identity
    return {
        "checked": level in ("federated", "document"),
        "owner": account.name if account else "",
        "proven": LEVEL_WORDS.get(level, ""),
    }
