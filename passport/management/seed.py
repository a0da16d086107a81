"""The demo of the embedded default: people, an attested account, services and agents.

Made once through the same functions that the doors call, and kept with its secrets in one
file that only its owner can read. A server with production settings refuses it.
"""

import json
import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth.models import Group
from django.db import transaction
from joserfc.jwk import OKPKey

from accounts.owners.accounts import open_account
from accounts.owners.models import Account
from accounts.people.confirmed import confirm_email
from accounts.people.models import User
from accounts.people.roles import GIVEN, STAFF_ROLES
from attestation.contract import Fingerprint, FingerprintKind, Observation, State
from attestation.evidence.begin import Wanted, begin
from attestation.evidence.record import settle
from foundation.ledger.append import append
from passport.agents.keys import parse_public_jwk
from passport.agents.models import Agent
from passport.agents.registration import add_key, register_agent
from passport.exchange.issuing import issue_for
from passport.limits.models import LimitPolicy
from passport.services.models import Service
from passport.services.registration import ScopeSpec, create_service, renew_secret, set_grant

ACTOR = "system:demo"
SANDBOX = "sandbox"
PORTAL_EMAIL = "alice@demo.example"
ADMIN_EMAIL = "casey@demo.example"
ISSUER_SCOPES = ("events.read", "decisions.evaluate", "usage.write", "reports.write")


@dataclass(frozen=True, slots=True)
class DemoService:
    name: str
    audience: str
    description: str
    scopes: tuple[ScopeSpec, ...]
    limits: tuple[tuple[str, str, int, int], ...]
    """Scope, level, quota, window in seconds."""


SERVICES = (
    DemoService(
        "Model API",
        "http://127.0.0.1:8701",
        "Answers prompts. The example service of the Python SDK.",
        (
            ScopeSpec("model:infer", "Ask the model for an answer"),
            ScopeSpec("echo:read", "Have a message sent back"),
        ),
        (
            ("model:infer", "credential", 20, 3600),
            ("model:infer", "account", 30, 3600),
            ("echo:read", "credential", 60, 60),
            ("echo:read", "account", 300, 60),
        ),
    ),
    DemoService(
        "Vault",
        "http://127.0.0.1:8702",
        "Keeps records. Writing asks for a charged means of payment.",
        (
            ScopeSpec("vault:read", "Read records"),
            ScopeSpec("vault:write", "Write records", least_payment="charged"),
        ),
        (("vault:read", "account", 60, 60),),
    ),
)
AGENTS = (
    ("Scout", "Reads the news and sums it up.", ("model:infer", "echo:read")),
    ("Courier", "Carries messages between systems.", ("echo:read", "model:infer")),
)


def make_demo(path: Path, issuer: str, now: datetime) -> dict[str, Any]:
    """What is kept in ``path``; made first where it is missing. The database and the file go together."""
    if path.exists():
        kept = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(kept, dict) and Agent.objects.filter(client_id=kept["agents"][0]["client_id"]).exists():
            return kept
    with transaction.atomic():
        portal = make_person(PORTAL_EMAIL, "Alice Arden", f"{issuer}/", now)
        admin = make_person(ADMIN_EMAIL, "Casey Cole", f"{issuer}/admin/", now, staff=True)
        account = make_account(User.objects.get(email=PORTAL_EMAIL), now)
        services = [make_service(wanted, now) for wanted in SERVICES]
    agents = [make_agent(account, *wanted, issuer=issuer, now=now) for wanted in AGENTS]
    made = {"issuer": issuer, "portal": portal, "admin": admin, "services": services, "agents": agents}
    keep(path, made)
    return made


def keep(path: Path, made: dict[str, Any]) -> None:
    """Written aside and moved into place, so that a killed server leaves a whole file or none."""
    aside = path.with_suffix(".new")
    aside.unlink(missing_ok=True)
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(made, file, indent=2)
        file.write("\n")
    aside.replace(path)


def make_person(email: str, name: str, url: str, now: datetime, *, staff: bool = False) -> dict[str, str]:
    """A person with a confirmed address, a random password and a second factor."""
    password = secrets.token_urlsafe(15)
    user, _ = User.objects.get_or_create(email=email, defaults={"name": name})
    user.set_password(password)
    user.is_staff = staff
    user.save()
    confirm_email(user)
    if staff:
        user.groups.set(Group.objects.filter(name__in=STAFF_ROLES))
        append(GIVEN, actor=ACTOR, subject_ids=[user.pk], payload={"roles": list(STAFF_ROLES)}, at=now)
    Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).delete()
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    return {"url": url, "email": email, "password": password, "totp_secret": secret}


def make_account(owner: User, now: datetime) -> Account:
    """Attested in the sandbox: an identity document and a card that was charged."""
    account = Account.objects.filter(memberships__user=owner).first()
    if account is None:
        account = open_account(owner, "Arden Labs", Account.Kind.ORGANISATION, now=now)
    prove(account, "identity", "document", (FingerprintKind.DOCUMENT, FingerprintKind.PERSON), now)
    prove(account, "payment", "instrument", (FingerprintKind.CARD,), now)
    return account


def prove(
    account: Account, kind: str, level: str, prints: tuple[FingerprintKind, ...], now: datetime
) -> None:
    wanted = Wanted(account.pk, SANDBOX, kind, level, "sandbox")
    row = begin(wanted, actor=ACTOR, now=now)
    seen = Observation(
        state=State.VERIFIED,
        reference=row.pk,
        livemode=False,
        version=1,
        level=level,
        method="sandbox",
        fingerprints=[Fingerprint(kind, secrets.token_hex(16)) for kind in prints],
    )
    settle(row.pk, seen, now=now)


def make_service(wanted: DemoService, now: datetime) -> dict[str, Any]:
    service = Service.objects.filter(audience=wanted.audience).first()
    if service is None:
        service, secret = create_service(
            account_id=None,
            name=wanted.name,
            audience=wanted.audience,
            environment=SANDBOX,
            scopes=wanted.scopes,
            issuer_scopes=ISSUER_SCOPES,
            actor=ACTOR,
            now=now,
            description=wanted.description,
        )
    else:
        secret = renew_secret(service, actor=ACTOR, now=now)
    for scope, applies_to, quota, window in wanted.limits:
        LimitPolicy.objects.get_or_create(
            service=service,
            scope=scope,
            name="minute" if window == 60 else "hour",
            applies_to=applies_to,
            tier="",
            defaults={"quota": quota, "window_seconds": window, "burst": quota},
        )
    scopes = [scope.name for scope in wanted.scopes]
    return {
        "audience": wanted.audience,
        "client_id": service.pk,
        "client_secret": secret,
        "scopes": scopes,
    }


def make_agent(
    account: Account, name: str, purpose: str, scopes: tuple[str, ...], *, issuer: str, now: datetime
) -> dict[str, Any]:
    private = OKPKey.generate_key("Ed25519")
    public = parse_public_jwk(private.as_dict(private=False))
    agent = Agent.objects.filter(account=account, name=name, state=Agent.State.ACTIVE).first()
    if agent is None:
        agent = register_agent(
            account_id=account.pk,
            name=name,
            purpose=purpose,
            software="agent-passport demo",
            environment=SANDBOX,
            key=public,
            actor=ACTOR,
            now=now,
        )
    else:
        agent.keys.filter(retired_at=None).update(retired_at=now)
        add_key(agent, public, actor=ACTOR, now=now)
    set_grant(agent, Service.objects.get(audience=SERVICES[0].audience), scopes, actor=ACTOR, now=now)
    key = agent.keys.get(thumbprint=public.thumbprint)
    issued = issue_for(agent, key, issuer=issuer, actor=ACTOR, now=now)
    return {
        "client_id": agent.client_id,
        "account": account.pk,
        "private_jwk": {**private.as_dict(private=True), "kid": public.kid},
        "passport": issued.token,
    }
