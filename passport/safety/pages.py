"""The console's workflow pages and their paths below ``/admin/``, and its navigation."""

from django.urls import URLPattern, path
from django.views.generic import RedirectView

from accounts.portal.menus import CONSOLE_PAGES, Item
from passport.safety.views import accounts, audit, clusters, health, keys, queue

PAGES: list[URLPattern] = [
    path("", RedirectView.as_view(pattern_name="admin:queue"), name="start"),
    path("queue/", queue.queue, name="queue"),
    path("flags/<str:flag_id>/dismiss/", queue.decide, {"decision": "dismiss"}, name="dismiss_flag"),
    path("flags/<str:flag_id>/confirm/", queue.decide, {"decision": "confirm"}, name="confirm_flag"),
    path("accounts/", accounts.accounts, name="accounts"),
    path("accounts/<str:account_id>/", accounts.account, name="account"),
    path("accounts/<str:account_id>/flag/", accounts.flag, name="flag_account"),
    path("clusters/<str:cluster_id>/", clusters.cluster, name="cluster"),
    path("audit/", audit.audit, name="audit"),
    path("audit/verify/", audit.verify, name="verify_audit"),
    path("keys/", keys.keys, name="keys"),
    path("keys/rotate/", keys.rotate, name="rotate_key"),
    path("health/", health.health, name="health"),
]

READERS = frozenset({"analyst", "approver", "auditor"})
KEEPERS = frozenset({"auditor", "operator"})

for item in (
    Item("queue", "Queue", "admin:queue", "inbox", 10, READERS),
    Item("accounts", "Accounts", "admin:accounts", "users", 20, READERS),
    Item("audit", "Audit", "admin:audit", "scroll-text", 50, READERS),
    Item("keys", "Signing keys", "admin:keys", "key-round", 70, KEEPERS),
    Item("health", "Health", "admin:health", "activity", 80, KEEPERS),
    Item("records", "Records", "admin:index", "database", 90, READERS | KEEPERS),
):
    CONSOLE_PAGES.add(item)
