"""PAGES section 2: how many queries a page of console or portal may ask, whatever the rows."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.flags.models import Flag
from accounts.owners.accounts import open_account
from accounts.owners.models import Account, Membership
from accounts.people.confirmed import confirm_email
from accounts.people.models import User
from accounts.people.roles import give_role
from attestation.evidence.models import Attestation, EvidenceHash
from foundation import clock
from foundation.ledger.append import append
from foundation.ledger.sequence import sequence
from passport.agents.models import Agent, AgentKey
from passport.fields import Effect
from passport.limits.models import LimitChange, LimitOverride, LimitPolicy
from passport.restrictions.models import Restriction
from passport.revocation.batch import State
from passport.revocation.models import RevocationBatch
from passport.revocation.preview import make_preview
from passport.revocation.steps import create_batch
from passport.services.models import Scope, Service
from tests import people
from tests.passport.revocation.hydra import cluster, join

pytestmark = pytest.mark.django_db
PAGE, LIST, CASE = 12, 8, 15
ACCOUNT = CASE + 1
"""The page about one account shows a case and all that the account owns: one query more than a case."""
FRAME = 3
"""Before any page begins: the session, the person, and their groups or their membership."""
FEW, MANY = 2, 12

CONSOLE_LISTS = (
    "queue/", "accounts/", "accounts/?q=acc", "batches/", "approvals/", "attestations/", "audit/", "roles/",
    "limits/", "limits/overrides/", "switches/", "keys/", "records/foundation/entry/", "records/accounts/flag/", "records/passport/agent/",
)  # fmt: skip
PORTAL_LISTS = ("agents/", "services/", "members/", "activity/", "notices/")
PORTAL_PAGES = ("start/", "verification/", "settings/", "usage/", "usage/timeline/")


@pytest.fixture
def sam() -> User:
    return people.person("sam@example.com", is_staff=True, is_superuser=True)


@pytest.fixture
def alice() -> User:
    return people.person("alice@example.com")


@pytest.fixture
def account(alice: User) -> Account:
    return open_account(alice, "Alice Ltd", Account.Kind.ORGANISATION)


def somebody(email: str) -> User:
    """Without a password: hashing one for each of many takes longer than all the rest."""
    user = User.objects.create(email=email)
    confirm_email(user)
    return user


def fill(account: Account, sam: User, many: int) -> None:
    """One row more of everything, ``many`` times."""
    now = clock.now()
    for n in range(many):
        place = f"{many}-{n}"
        other = Account.objects.create(name=f"acc {place}")
        Flag.objects.create(
            account=other, environment="live", reason="spam", source="person", confidence=0.5,
            raised_by=f"user:{sam.pk}", raised_at=now,
        )  # fmt: skip
        for state in (State.DONE, State.AWAITING):
            RevocationBatch.objects.create(
                environment="live", chosen_by="account", chosen_from=other.pk, state=state,
                requested_by=f"user:{somebody(f'{state}{place}@example.com').pk}",
            )  # fmt: skip
        proof = Attestation.objects.create(
            account=other, environment="live", kind="identity", provider="sandbox", state="review",
            hold="identity.reused", started_by="user:usr_1",
        )  # fmt: skip
        EvidenceHash.objects.create(
            attestation=proof, account=other, environment="live", kind="document", key_id="1",
            value_hash=b"1" * 32, seen_at=now,
        )  # fmt: skip
        colleague = somebody(f"c{place}@example.com")
        give_role(colleague, "analyst", actor=f"user:{sam.pk}", reason="Many hands.", now=now)
        fill_account(account, place)
        policy = LimitPolicy.objects.create(
            scope="token", name=f"day-{place}", applies_to="account", quota=9, window_seconds=60, burst=9
        )
        LimitOverride.objects.create(
            account=other, policy=policy, quota=5, burst=5, requested_by=f"user:{colleague.pk}",
            ends_at=now + timedelta(days=1),
        )  # fmt: skip
        LimitChange.objects.create(
            kind="end", state="waiting", wanted={}, account_id=other.pk, requested_by=f"user:{colleague.pk}"
        )
    sequence()


def fill_account(account: Account, place: str) -> None:
    member = somebody(f"m{place}@example.com")
    Membership.objects.create(account=account, user=member, role="viewer")
    agent = Agent.objects.create(
        account=account, name=f"Agent {place}", environment="sandbox", client_type="confidential",
        authorization_grant_type="client-credentials",
    )  # fmt: skip
    AgentKey.objects.create(agent=agent, kid=place, thumbprint=place, jwk={}, alg="ES256")
    service = Service.objects.create(
        account=account, name=f"Service {place}", audience=f"https://{place}.example", environment="sandbox"
    )
    Scope.objects.create(service=service, name=f"read:{place}", description="Read")
    Restriction.objects.create(
        subject_type="agent", subject_id=agent.client_id, account_id=account.pk, effect=2, reason="spam",
        placed_by="user:usr_1", ends_at=clock.now() + timedelta(days=1),
    )  # fmt: skip
    append("agent.registered", actor=f"user:{member.pk}", subject_ids=[agent.client_id, account.pk])


def cases(account: Account, sam: User) -> list[str]:
    """Pages about one account, one cluster, one batch, one held proof, one colleague."""
    joint = cluster("crowd", *Account.objects.values_list("pk", flat=True)[: 1 + FEW])
    batch = create_batch(
        environment="sandbox", chosen_by="cluster", chosen_from=joint, reason="spam",
        actor=f"user:{sam.pk}", now=clock.now(), effect=Effect.SUSPEND,
    )  # fmt: skip
    make_preview(batch.pk, actor=f"user:{sam.pk}", now=clock.now())
    proof = Attestation.objects.first()
    assert proof is not None
    return [
        f"accounts/{account.pk}/?environment=sandbox", f"clusters/{joint}/", f"batches/{batch.pk}/preview/",
        f"attestations/{proof.pk}/", f"roles/{sam.pk}/",
    ]  # fmt: skip


def asked(browser: Client, url: str) -> int:
    browser.get(url)  # what is remembered by the process is remembered now
    with CaptureQueriesContext(connection) as seen:
        answer = browser.get(url)
    assert answer.status_code == 200, url
    return len(seen)


def test_no_page_asks_more_when_it_has_more_rows(account: Account, alice: User, sam: User) -> None:
    console, portal = people.browser(sam, factor=True), people.browser(alice, factor=True)
    for browser in (console, portal):
        for _ in range(3):  # its device is noted at the second visit
            browser.get("/profile/")
    pages = {f"/admin/{one}": (console, LIST) for one in CONSOLE_LISTS}
    pages |= {f"/a/{account.pk}/{one}": (portal, LIST) for one in PORTAL_LISTS}
    pages |= {f"/a/{account.pk}/{one}": (portal, PAGE) for one in PORTAL_PAGES}
    fill(account, sam, FEW)
    pages |= {f"/admin/{one}": (console, CASE) for one in cases(account, sam)}
    pages[f"/admin/accounts/{account.pk}/?environment=sandbox"] = (console, ACCOUNT)
    few = {url: asked(browser, url) for url, (browser, _) in pages.items()}
    fill(account, sam, MANY)
    for other in Account.objects.filter(name__startswith=f"acc {MANY}"):
        join("clu_crowd", other.pk)
    many = {url: asked(browser, url) for url, (browser, _) in pages.items()}
    assert {url: (few[url], many[url]) for url in pages if few[url] != many[url]} == {}
    over = {url: many[url] for url, (_, most) in pages.items() if many[url] > most + FRAME}
    assert over == {}
