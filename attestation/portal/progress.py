"""How far an account is with its proofs, for its page of next steps."""

from accounts.owners.models import Account
from accounts.people.models import User
from accounts.portal.steps import Progress
from attestation.contract import State
from attestation.evidence.life import UNFINISHED
from attestation.evidence.models import Attestation
from attestation.evidence.standing import levels_of
from attestation.levels import at_least
from foundation import clock


def identity(account: Account, user: User) -> Progress:
    return progress(account.pk, "identity", "document")


def payment(account: Account, user: User) -> Progress:
    return progress(account.pk, "payment", "instrument")


def progress(account_id: str, kind: str, least: str) -> Progress:
    """Done as soon as either environment has the level."""
    for environment in ("sandbox", "live"):
        held = levels_of(account_id, environment, clock.now())
        if at_least(held.identity if kind == "identity" else held.payment, least):
            return Progress.DONE
    latest = Attestation.objects.filter(account_id=account_id, kind=kind).order_by("-created_at").first()
    if latest is None or latest.state == State.PENDING:
        return Progress.NEXT
    return Progress.PENDING if latest.state in UNFINISHED else Progress.FAILED
