"""How the console says codes: reasons, sources, effects, what the ledger records."""

from collections.abc import Mapping
from types import MappingProxyType

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from foundation.ledger.models import Entry
from foundation.web.parts import shorten

REASONS: Mapping[str, Promise] = MappingProxyType(
    {
        "ban_evasion": _("Came back after a ban"),
        "payment_fraud": _("Payment fraud"),
        "spam": _("Spam or flooding"),
        "abuse": _("Abuse of a service"),
        "stolen_key": _("Stolen key"),
        "false_identity": _("False identity"),
        "attestation_reversed": _("Proof taken back by the provider"),
        "payment_dispute": _("Payment disputed"),
        "other": _("Another reason"),
        "review": _("Account under review"),
        "identity.reused": _("One person behind several accounts"),
        "identity.banned": _("Document of somebody who was revoked"),
        "identity.forged": _("Document or face tampered with"),
        "identity.attempts": _("All tries at identity spent"),
        "identity.reversed": _("Identity taken back by the provider"),
        "payment.shared": _("One card behind several accounts"),
        "payment.banned_instrument": _("Card of somebody who was revoked"),
        "payment.card_testing": _("One card declined again and again"),
        "payment.risk": _("Highest risk, says the payment provider"),
        "payment.reversed": _("Payment taken back by the provider"),
        "payment.dispute": _("Charge disputed as fraud"),
        "payment.fraud_warning": _("Bank warns of fraud"),
        "provider.mismatch": _("Provider's result is of somebody else"),
        "not_accepted": _("Not accepted by a person"),
    }
)
"""What a person may give as a reason, and what providers give."""

BY_PEOPLE = ("ban_evasion", "payment_fraud", "spam", "abuse", "stolen_key", "false_identity", "other")

ENTRIES: Mapping[str, Promise] = MappingProxyType(
    {
        "account.opened": _("Account opened"),
        "member.added": _("Member added"),
        "agent.registered": _("Agent registered"),
        "agent.changed": _("Agent changed its registration"),
        "agent.closed": _("Agent closed"),
        "client.registered": _("Client registered itself"),
        "client.withdrawn": _("Client withdrew its registration"),
        "initial_token.made": _("Token for self-registration made"),
        "key.added": _("Key added"),
        "key.retired": _("Key retired"),
        "passport.issued": _("Passport issued"),
        "passport.renewed": _("Passport renewed"),
        "token.revoked": _("Token revoked"),
        "attestation.started": _("Proof started"),
        "attestation.changed": _("Proof changed"),
        "cluster.changed": _("Cluster changed"),
        "flag.raised": _("Flag raised"),
        "flag.decided": _("Flag decided"),
        "restriction.placed": _("Restriction placed"),
        "restriction.lifted": _("Restriction lifted"),
        "linkage.model": _("Weights of linkage"),
        "limits.changed": _("Limits changed"),
        "trace.resolved": _("Trace tag resolved"),
        "admission.mode": _("Admission changed its store"),
        "switch.changed": _("Switch changed"),
        "status.published": _("Status list published"),
        "service.created": _("Service created"),
        "service.changed": _("Service publishes its keys elsewhere"),
        "service.key_added": _("Service got a key"),
        "service.key_removed": _("Key of a service removed"),
        "service.secret_ended": _("Secret of a service ended"),
        "grant.changed": _("Grant changed"),
        "acting.allowed": _("Acting for an agent allowed"),
        "acting.ended": _("Acting for an agent ended"),
        "workload.added": _("Workload added"),
        "workload.removed": _("Workload removed"),
        "workload.used": _("Passport by a workload's token"),
        "linkage.rebuilt": _("Clusters rebuilt"),
        "pin.placed": _("Accounts pinned"),
        "pin.lifted": _("Pin ended"),
        "staff.role_given": _("Staff role given"),
        "staff.role_taken": _("Staff role taken"),
    }
)

ROLES: Mapping[str, Promise] = MappingProxyType(
    {
        "analyst": _("Reads cases and accounts, flags, proposes batches and runs small ones."),
        "approver": _("As an analyst; also approves what others ask for, and turns switches."),
        "auditor": _("Reads everything, changes nothing."),
        "operator": _("Signing keys, health, switches, and who has which role."),
    }
)
"""What each role of staff may do."""


def say_reason(code: str) -> str:
    """A reason in words; an unknown code stays readable."""
    return str(REASONS.get(code) or code.replace("_", " ").replace(".", " ").capitalize())


def say_entry(entry: Entry) -> str:
    """What an entry of the ledger records, in a few words."""
    known = ENTRIES.get(entry.type)
    if known:
        return str(known)
    what, _dot, state = entry.type.partition(".")
    return f"{what.replace('_', ' ').capitalize()}: {state.replace('_', ' ')}"


def say_actor(actor: str) -> str:
    """``user:usr_01J…`` as ``person usr_01J…``, shortened; the machine's parts by name."""
    kind, _colon, name = actor.partition(":")
    kinds = {"user": _("person"), "system": _("system"), "agent": _("agent"), "service": _("service")}
    return f"{kinds.get(kind, kind)} {shorten(name)}"
