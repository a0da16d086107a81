"""Who acts for an account: invited, joined, given another role, removed. Never without an owner."""

import secrets
from datetime import datetime, timedelta

from django.db import transaction

from accounts.owners.models import Account, Invitation, Membership
from accounts.people.models import User
from foundation.ledger.append import append
from foundation.sealing.hashes import keyed_hash, keyed_hashes

PURPOSE = "owners.invitation"
INVITATION_LIFE = timedelta(days=7)
MOST_OPEN_INVITATIONS = 50
"""Of one account: an invitation sends mail to anybody, so it must not become a way to send spam."""


class LastOwner(Exception):
    """The account would be left without an owner."""


class CannotInvite(Exception):
    """The message says why, in words for the owner who tried."""


class CannotAccept(Exception):
    """The message says why, in words for the person invited."""


def members_of(account_id: str) -> list[Membership]:
    """Owners first, then by the time they came. At most 500."""
    rows = (
        Membership.objects.filter(account_id=account_id).select_related("user").order_by("created_at", "pk")
    )
    order = {role: place for place, role in enumerate(Membership.Role.values)}
    return sorted(rows[:500], key=lambda member: order[member.role])


def open_invitations(account_id: str, now: datetime) -> list[Invitation]:
    rows = Invitation.objects.filter(account_id=account_id, ended_at=None, expires_at__gt=now)
    return list(rows.select_related("invited_by").order_by("-pk"))


def invite(account_id: str, email: str, role: str, *, actor: User, now: datetime) -> tuple[Invitation, str]:
    """Offer a role. Gives the invitation and the token for the link, which is kept as a hash only.

    A new invitation of the same address takes the place of the old one. Raises CannotInvite.
    """
    email = email.strip().lower()
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        lock(account_id)
        if Membership.objects.filter(account_id=account_id, user__email=email).exists():
            raise CannotInvite("This person is a member already.")
        pending = Invitation.objects.filter(account_id=account_id, ended_at=None)
        pending.filter(email=email).update(ended_at=now)
        if pending.filter(expires_at__gt=now).count() >= MOST_OPEN_INVITATIONS:
            raise CannotInvite(f"There are {MOST_OPEN_INVITATIONS} open invitations. Withdraw some first.")
        invitation = Invitation.objects.create(
            account_id=account_id,
            email=email,
            role=Membership.Role(role),
            token_hash=keyed_hash(PURPOSE, token.encode()).digest,
            invited_by=actor,
            created_at=now,
            expires_at=now + INVITATION_LIFE,
        )
        append(
            "member.invited",
            actor=f"user:{actor.pk}",
            subject_ids=[account_id],
            payload={"role": role, "invitation": invitation.pk},
            at=now,
        )
    return invitation, token


def find_invitation(token: str, now: datetime) -> Invitation | None:
    """The open invitation of this link."""
    digests = [found.digest for found in keyed_hashes(PURPOSE, token.encode())]
    rows = Invitation.objects.filter(token_hash__in=digests, ended_at=None, expires_at__gt=now)
    return rows.filter(account__state=Account.State.OPEN).select_related("account", "invited_by").first()


def accept(token: str, user: User, *, now: datetime) -> Membership:
    """Join by the link, once, as the person it was sent to. Raises CannotAccept."""
    with transaction.atomic():
        invitation = find_invitation(token, now)
        if invitation is None:
            raise CannotAccept("This invitation was used, withdrawn, or is older than seven days.")
        lock(invitation.account_id)
        if invitation.email != user.email.lower():
            raise CannotAccept("This invitation was sent to another address than the one you signed in with.")
        if not Invitation.objects.filter(pk=invitation.pk, ended_at=None).update(ended_at=now):
            raise CannotAccept("This invitation was used, withdrawn, or is older than seven days.")
        membership, is_new = Membership.objects.get_or_create(
            account_id=invitation.account_id,
            user=user,
            defaults={"role": invitation.role, "created_at": now},
        )
        if is_new:
            record("member.added", membership, actor=user, now=now)
    return membership


def withdraw(account_id: str, invitation_id: int, *, actor: User, now: datetime) -> bool:
    """Make the link useless. False: there is no such open invitation of this account."""
    with transaction.atomic():
        rows = Invitation.objects.filter(pk=invitation_id, account_id=account_id, ended_at=None)
        if not rows.update(ended_at=now):
            return False
        append(
            "member.uninvited",
            actor=f"user:{actor.pk}",
            subject_ids=[account_id],
            payload={"invitation": invitation_id},
            at=now,
        )
    return True


def change_role(account_id: str, membership_id: int, role: str, *, actor: User, now: datetime) -> bool:
    """Give a member another role. False: no such member of this account. Raises LastOwner, ValueError."""
    wanted = Membership.Role(role)
    with transaction.atomic():
        membership = find_locked(account_id, membership_id)
        if membership is None:
            return False
        if membership.role == wanted:
            return True
        if membership.role == Membership.Role.OWNER:
            check_other_owner(membership)
        membership.role = wanted
        membership.save(update_fields=["role"])
        record("member.changed", membership, actor=actor, now=now)
    return True


def remove(account_id: str, membership_id: int, *, actor: User, now: datetime) -> bool:
    """End a membership. False: no such member of this account. Raises LastOwner."""
    with transaction.atomic():
        membership = find_locked(account_id, membership_id)
        if membership is None:
            return False
        if membership.role == Membership.Role.OWNER:
            check_other_owner(membership)
        record("member.removed", membership, actor=actor, now=now)
        membership.delete()
    return True


def find_locked(account_id: str, membership_id: int) -> Membership | None:
    lock(account_id)
    return Membership.objects.filter(pk=membership_id, account_id=account_id).first()


def lock(account_id: str) -> None:
    """One change of members at a time: two owners cannot remove each other at once."""
    Account.objects.select_for_update().filter(pk=account_id).first()


def check_other_owner(membership: Membership) -> None:
    owners = Membership.objects.filter(account_id=membership.account_id, role=Membership.Role.OWNER)
    if not owners.exclude(pk=membership.pk).exists():
        raise LastOwner("An account keeps at least one owner. Make somebody else an owner first.")


def record(type: str, membership: Membership, *, actor: User, now: datetime) -> None:
    append(
        type,
        actor=f"user:{actor.pk}",
        subject_ids=[membership.account_id, membership.user_id],
        payload={"role": str(membership.role), "user": membership.user_id},
        at=now,
    )


def open_memberships_of(user_id: str) -> list[Membership]:
    """The person's roles in accounts that are open, by the account's name. At most 100."""
    rows = Membership.objects.filter(user_id=user_id, account__state=Account.State.OPEN)
    return list(rows.select_related("account").order_by("account__name", "account_id")[:100])


def accounts_owned_by(user_id: str) -> list[str]:
    """The open accounts that the person owns, the oldest first. At most 50."""
    rows = Membership.objects.filter(
        user_id=user_id, role=Membership.Role.OWNER, account__state=Account.State.OPEN
    )
    return list(rows.order_by("account_id").values_list("account_id", flat=True)[:50])
