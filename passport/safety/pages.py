"""The console's workflow pages and their paths below ``/admin/``, and its navigation."""

from django.urls import URLPattern, path
from django.views.generic import RedirectView

from accounts.portal.menus import CONSOLE_PAGES, Item
from passport.safety.views import (
    accounts,
    attestations,
    audit,
    batches,
    clusters,
    health,
    keys,
    limits,
    pins,
    queue,
    roles,
    switches,
    traces,
    usage,
)

PAGES: list[URLPattern] = [
    path("", RedirectView.as_view(pattern_name="admin:queue"), name="start"),
    path("queue/", queue.queue, name="queue"),
    path("flags/<str:flag_id>/dismiss/", queue.decide, {"decision": "dismiss"}, name="dismiss_flag"),
    path("flags/<str:flag_id>/confirm/", queue.decide, {"decision": "confirm"}, name="confirm_flag"),
    path("accounts/", accounts.accounts, name="accounts"),
    path("accounts/<str:account_id>/", accounts.account, name="account"),
    path("accounts/<str:account_id>/usage/", usage.account_usage, name="account_usage"),
    path("accounts/<str:account_id>/usage/timeline/", usage.account_timeline, name="account_timeline"),
    path("accounts/<str:account_id>/flag/", accounts.flag, name="flag_account"),
    path("clusters/<str:cluster_id>/", clusters.cluster, name="cluster"),
    path("clusters/<str:cluster_id>/pin/", pins.place, name="place_pin"),
    path("clusters/<str:cluster_id>/unpin/", pins.lift, name="lift_pin"),
    path("batches/", batches.batches, name="batches"),
    path("batches/new/", batches.new, name="new_batch"),
    path("batches/<str:batch_id>/", batches.batch, name="batch"),
    path("batches/<str:batch_id>/preview/", batches.preview, name="preview"),
    path("batches/<str:batch_id>/refresh/", batches.refresh, name="refresh_batch"),
    path("batches/<str:batch_id>/leave-out/", batches.leave_out, name="leave_out"),
    path("batches/<str:batch_id>/take-in/", batches.take_in, name="take_in"),
    path("batches/<str:batch_id>/ask/", batches.ask, name="ask_approval"),
    path("batches/<str:batch_id>/run/", batches.run, name="run_batch"),
    path("batches/<str:batch_id>/give-up/", batches.give_up, name="give_up"),
    path("batches/<str:batch_id>/pause/", batches.hold, name="pause_batch"),
    path("batches/<str:batch_id>/resume/", batches.go_on, name="resume_batch"),
    path("batches/<str:batch_id>/undo/", batches.undo_batch, name="undo_batch"),
    path("approvals/", batches.approvals, name="approvals"),
    path("attestations/", attestations.attestations, name="attestations"),
    path("attestations/<str:attestation_id>/", attestations.attestation, name="attestation"),
    path(
        "attestations/<str:attestation_id>/release/",
        attestations.decide,
        {"decision": "release"},
        name="release_attestation",
    ),
    path(
        "attestations/<str:attestation_id>/refuse/",
        attestations.decide,
        {"decision": "refuse"},
        name="refuse_attestation",
    ),
    path("switches/", switches.switches, name="switches"),
    path("switches/<str:name>/", switches.turn, name="turn_switch"),
    path("limits/", limits.limits, name="limits"),
    path("limits/new/", limits.new_policy, name="new_limit"),
    path("limits/overrides/", limits.overrides, name="limit_overrides"),
    path("limits/overrides/<int:override_id>/end/", limits.end_override, name="end_override"),
    path("limits/policies/<int:policy_id>/end/", limits.drop_policy, name="drop_limit"),
    path("limits/policies/<int:policy_id>/override/", limits.new_override, name="new_override"),
    path("limits/changes/<str:change_id>/", limits.change, name="limit_change"),
    path(
        "limits/changes/<str:change_id>/apply/", limits.settle, {"step": "apply"}, name="apply_limit_change"
    ),
    path("limits/changes/<str:change_id>/ask/", limits.settle, {"step": "ask"}, name="ask_limit_change"),
    path(
        "limits/changes/<str:change_id>/refuse/",
        limits.settle,
        {"step": "refuse"},
        name="refuse_limit_change",
    ),
    path("traces/", traces.traces, name="traces"),
    path("audit/", audit.audit, name="audit"),
    path("audit/verify/", audit.verify, name="verify_audit"),
    path("keys/", keys.keys, name="keys"),
    path("keys/rotate/", keys.rotate, name="rotate_key"),
    path("roles/", roles.roles, name="roles"),
    path("roles/<str:user_id>/", roles.person, name="person_roles"),
    path("roles/<str:user_id>/<str:role>/give/", roles.change, {"step": "give"}, name="give_role"),
    path("roles/<str:user_id>/<str:role>/take/", roles.change, {"step": "take"}, name="take_role"),
    path("health/", health.health, name="health"),
]

READERS = frozenset({"analyst", "approver", "auditor"})
KEEPERS = frozenset({"auditor", "operator"})

for item in (
    Item("queue", "Queue", "admin:queue", "inbox", 10, READERS),
    Item("accounts", "Accounts", "admin:accounts", "users", 20, READERS),
    Item("batches", "Batches", "admin:batches", "layers", 30, READERS),
    Item("approvals", "Approvals", "admin:approvals", "user-check", 40, READERS),
    Item("attestations", "Held proofs", "admin:attestations", "file-clock", 45, READERS),
    Item("traces", "Trace tags", "admin:traces", "tag", 57, frozenset({"analyst", "approver"})),
    Item("limits", "Limits", "admin:limits", "gauge", 55, READERS),
    Item("switches", "Switches", "admin:switches", "toggle-left", 60, READERS | KEEPERS),
    Item("audit", "Audit", "admin:audit", "scroll-text", 50, READERS),
    Item("keys", "Signing keys", "admin:keys", "key-round", 70, KEEPERS),
    Item("roles", "Staff roles", "admin:roles", "user-cog", 75, KEEPERS),
    Item("health", "Health", "admin:health", "activity", 80, KEEPERS),
    Item("records", "Records", "admin:index", "database", 90, READERS | KEEPERS),
):
    CONSOLE_PAGES.add(item)
