"""Record pages: every row as it stands, to be read. What changes a state is a workflow page."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.flags.models import Flag
from accounts.owners.models import Account
from attestation.inbox.models import ProviderEvent
from foundation.ledger.models import Entry
from passport.agents.models import Agent
from passport.credentials.models import Passport
from passport.events.ssf.models import EventStream, StreamEvent
from passport.restrictions.models import Restriction
from passport.revocation.models import RevocationBatch
from passport.safety.read_only import READERS, Record


@admin.register(Account)
class AccountRecord(Record[Account]):
    list_display = ("id", "name", "kind", "state", "created_at")
    list_filter = ("kind", "state")
    search_fields = ("=id", "^name")
    ordering = ("-created_at",)
    fields = ("id", "workflow", "name", "kind", "state", "created_at", "closed_at")
    readonly_fields = ("id", "workflow")

    @admin.display(description="Page")
    def workflow(self, row: Account) -> SafeString:
        return format_html(
            '<a href="{}">What it does and why it is linked</a>', reverse("admin:account", args=[row.pk])
        )


@admin.register(Agent)
class AgentRecord(Record[Agent]):
    list_display = ("client_id", "name", "account", "environment", "state", "effect", "last_exchange_at")
    list_filter = ("environment", "state", "effect")
    list_select_related = ("account",)
    search_fields = ("=client_id", "=account__id", "=keys__thumbprint")
    ordering = ("-id",)
    fields = (
        "client_id", "name", "account", "purpose", "software", "environment", "state", "effect", "created_by",
        "last_exchange_at", "created",
    )  # fmt: skip


@admin.register(Passport)
class PassportRecord(Record[Passport]):
    list_display = ("jti", "agent_id_shown", "environment", "effect", "issued_at", "expires_at")
    list_filter = ("environment", "effect")
    list_select_related = ("agent",)
    search_fields = ("=jti", "=agent__client_id", "=account__id")
    ordering = ("-issued_at",)
    fields = (
        "jti", "account", "agent", "key", "signing_key", "environment", "scopes", "assurance", "limits",
        "status_list", "status_index", "issued_at", "expires_at", "effect", "renewed_from", "sha256",
    )  # fmt: skip

    @admin.display(description="Agent")
    def agent_id_shown(self, row: Passport) -> str:
        return row.agent.client_id


@admin.register(Restriction)
class RestrictionRecord(Record[Restriction]):
    list_display = ("id", "subject_type", "subject_id", "effect", "reason", "placed_at", "lifted_at")
    list_filter = ("subject_type", "effect")
    search_fields = ("=id", "=subject_id", "=account_id", "=batch__id")
    ordering = ("-placed_at",)


@admin.register(RevocationBatch)
class BatchRecord(Record[RevocationBatch]):
    list_display = ("id", "state", "environment", "effect", "reason", "requested_by", "created_at")
    list_filter = ("state", "environment", "effect")
    search_fields = ("=id", "=cluster_id")
    ordering = ("-created_at",)


@admin.register(Flag)
class FlagRecord(Record[Flag]):
    list_display = ("id", "account", "environment", "reason", "source", "confidence", "state", "raised_at")
    list_filter = ("state", "source", "environment")
    list_select_related = ("account",)
    search_fields = ("=id", "=account__id", "=cluster__id")
    ordering = ("-raised_at",)


@admin.register(Entry)
class EntryRecord(Record[Entry]):
    list_display = ("id", "type", "at", "actor", "reason")
    search_fields = ("=id", "^type", "=actor")
    ordering = ("-id",)
    fields = ("id", "type", "at", "actor", "subject_ids", "reason", "payload", "sha256")
    readonly_fields = ("id", "sha256")

    @admin.display(description="SHA-256")
    def sha256(self, row: Entry) -> str:
        return bytes(row.digest).hex()


@admin.register(ProviderEvent)
class ProviderEventRecord(Record[ProviderEvent]):
    readers = READERS | {"operator"}
    list_display = ("event_id", "provider", "type", "livemode", "received_at", "applied_at", "outcome")
    search_fields = ("=event_id", "=object_ref")
    ordering = ("-received_at",)
    fields = (
        "event_id",
        "provider",
        "type",
        "object_ref",
        "livemode",
        "received_at",
        "applied_at",
        "outcome",
    )


@admin.register(EventStream)
class StreamRecord(Record[EventStream]):
    readers = READERS | {"operator"}
    list_display = ("id", "service", "method", "status", "failing_since", "failures", "last_error")
    list_filter = ("status", "method")
    list_select_related = ("service",)
    search_fields = ("=id", "=service__id")
    ordering = ("-created_at",)
    fields = (
        "id", "service", "method", "endpoint_url", "description", "events_requested", "status",
        "status_reason", "created_at", "heard_at", "failing_since", "failures", "retry_at", "last_error",
    )  # fmt: skip


@admin.register(StreamEvent)
class StreamEventRecord(Record[StreamEvent]):
    """Dead letters are found by their state."""

    readers = READERS | {"operator"}
    list_display = ("jti", "stream", "type", "state", "attempts", "created_at", "error")
    list_filter = ("state",)
    search_fields = ("=jti", "=stream__id")
    ordering = ("-id",)
    fields = (
        "jti", "stream", "type", "claims", "control", "state", "created_at", "tried_at", "attempts",
        "retry_at", "error", "ended_at",
    )  # fmt: skip
