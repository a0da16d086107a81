"""The sandbox provider over real HTTP: the server calls itself, as the embedded default does."""

import re
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import httpx
import pytest
from django.utils import timezone

from accounts.owners.models import Account, Membership
from accounts.people.models import User
from attestation.evidence import begin
from attestation.evidence.models import Attestation
from attestation.evidence.standing import levels_of
from attestation.providers.registry import find_offered
from foundation import clock
from foundation.jobs.models import Job
from foundation.jobs.outbox import run_due

CARD = {"expiry": "12/39", "code": "123"}


def make_account(name: str) -> Account:
    account = Account.objects.create(name=name)
    user = User.objects.create_user(f"{name.lower()}@example.com", "a long enough password")
    Membership.objects.create(account=account, user=user, role="owner")
    return account


def work() -> None:
    """Run what is due until nothing is."""
    while run_due():
        pass


def let_time_pass() -> None:
    """All that waits for later is due now; its order stays."""
    Job.objects.filter(finished_at=None).update(
        due_at=timezone.now() - timedelta(seconds=1), leased_until=None
    )
    work()


@pytest.fixture
def server(live_server, settings, transactional_db):
    """The origin of a real server that answers for its own ISSUER."""
    settings.ISSUER = live_server.url
    settings.SANDBOX_PROVIDER = True
    settings.BROKER_URL = ""  # the test runs the jobs itself
    settings.CSRF_COOKIE_SECURE = settings.SESSION_COOKIE_SECURE = False
    settings.CSRF_COOKIE_NAME = "ap_csrf"
    settings.CSRF_TRUSTED_ORIGINS = [live_server.url]
    return live_server.url


@pytest.fixture
def start(server) -> Callable[..., SimpleNamespace]:
    """Begin a proof for an account, as the portal does; gives the row and the hosted page's address."""

    def begin_one(account: Account, kind: str, level: str = "document") -> SimpleNamespace:
        wanted = begin.Wanted(account.pk, "sandbox", kind, level, "sandbox")
        row = begin.begin(wanted, actor="user:usr_test", now=clock.now())
        provider = find_offered(kind, "sandbox")
        started = provider.start(begin.request_for(row, f"{server}/a/{account.pk}/verification/return/"))
        begin.note_started(row, started)
        return SimpleNamespace(id=row.pk, url=started.redirect_url, ref=started.subject_ref)

    return begin_one


def submit(url: str, **fields: str) -> httpx.Response:
    """Fill in the hosted page as a browser without scripts would."""
    with httpx.Client() as browser:
        page = browser.get(url)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token, page.text
        return browser.post(url, data={"csrfmiddlewaretoken": token[1], **fields}, headers={"Referer": url})


@pytest.fixture
def show_document(start) -> Callable[..., str]:
    """Alice shows a test document; gives the attestation's id. Webhooks wait until ``work``."""

    def show(account: Account, value: str, delivery: str = "") -> str:
        begun = start(account, "identity")
        assert submit(begun.url, document=value, delivery=delivery).status_code == 302
        return begun.id

    return show


@pytest.fixture
def pay(start) -> Callable[..., str]:
    def pay_by(account: Account, number: str, level: str = "instrument", **more: str) -> str:
        begun = start(account, "payment", level)
        assert submit(begun.url, number=number, **CARD, **more).status_code == 302
        return begun.id

    return pay_by


@pytest.fixture
def alice_account(db) -> Account:
    return make_account("Alice")


def state_of(attestation_id: str) -> tuple[str, str]:
    row = Attestation.objects.get(pk=attestation_id)
    return row.state, row.reason


def levels(account: Account) -> tuple[str, str]:
    held = levels_of(account.pk, "sandbox", clock.now())
    return held.identity, held.payment
