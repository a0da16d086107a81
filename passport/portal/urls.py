"""The paths of this door."""

from django.urls import URLPattern, URLResolver, path, reverse

from accounts.owners.models import Account
from accounts.people.models import User
from accounts.portal import steps
from accounts.portal.menus import ACCOUNT_PAGES, MAKERS, Item
from passport.agents.models import Agent
from passport.portal import (
    acting,
    agents,
    catalogue,
    grant_details,
    people_grants,
    redirects,
    service_keys,
    usage,
    webhooks,
    wizard,
    workloads,
)
from passport.portal.published_keys import published_keys
from passport.portal.self_registration import self_registration

urlpatterns: list[URLPattern | URLResolver] = [
    path("a/<str:account_id>/agents/", agents.agent_list, name="agents"),
    path("a/<str:account_id>/agents/token/", self_registration, name="agent_token"),
    path("a/<str:account_id>/agents/new/", wizard.new_agent, name="agent_new"),
    path("a/<str:account_id>/agents/new/<str:step>/", wizard.new_agent, name="agent_new_step"),
    path("a/<str:account_id>/agents/<str:agent_id>/", agents.agent_page, name="agent"),
    path(
        "a/<str:account_id>/agents/<str:agent_id>/keys/published/",
        published_keys,
        name="agent_keys_published",
    ),
    path("a/<str:account_id>/agents/<str:agent_id>/keys/new/", agents.new_key, name="agent_key_new"),
    path(
        "a/<str:account_id>/agents/<str:agent_id>/keys/<str:key_id>/end/",
        agents.end_key,
        name="agent_key_end",
    ),
    path("a/<str:account_id>/agents/<str:agent_id>/scopes/", agents.scopes, name="agent_scopes"),
    path(
        "a/<str:account_id>/agents/<str:agent_id>/scopes/<str:service_id>/limits/",
        grant_details.grant_limits,
        name="agent_grant_limits",
    ),
    path("a/<str:account_id>/agents/<str:agent_id>/redirects/", redirects.redirects, name="agent_redirects"),
    path("a/<str:account_id>/agents/<str:agent_id>/acting/", acting.acting, name="agent_acting"),
    path(
        "a/<str:account_id>/agents/<str:agent_id>/acting/<int:rule_id>/end/",
        acting.end_acting,
        name="agent_acting_end",
    ),
    path("a/<str:account_id>/agents/<str:agent_id>/workloads/", workloads.workloads, name="agent_workloads"),
    path(
        "a/<str:account_id>/agents/<str:agent_id>/workloads/<str:workload_id>/end/",
        workloads.end_workload,
        name="agent_workload_end",
    ),
    path("a/<str:account_id>/agents/<str:agent_id>/act/<str:action>/", agents.act, name="agent_act"),
    path("grants/", people_grants.people_grants, name="people_grants"),
    path("grants/<str:consent_id>/", people_grants.withdraw_grant, name="grant_withdraw"),
    path("a/<str:account_id>/usage/", usage.usage, name="usage"),
    path("a/<str:account_id>/usage/export/", usage.usage_export, name="usage_export"),
    path("a/<str:account_id>/usage/timeline/", usage.timeline, name="usage_timeline"),
    path("a/<str:account_id>/usage/timeline/export/", usage.timeline_export, name="timeline_export"),
    path("a/<str:account_id>/services/", catalogue.services, name="services"),
    path(
        "a/<str:account_id>/services/<str:service_id>/keys/", service_keys.service_keys, name="service_keys"
    ),
    path(
        "a/<str:account_id>/services/<str:service_id>/keys/new/",
        service_keys.new_service_key,
        name="service_key_new",
    ),
    path(
        "a/<str:account_id>/services/<str:service_id>/keys/published/",
        service_keys.publish_service_keys,
        name="service_keys_url",
    ),
    path(
        "a/<str:account_id>/services/<str:service_id>/keys/<str:thumbprint>/remove/",
        service_keys.remove_service_key,
        name="service_key_remove",
    ),
    path(
        "a/<str:account_id>/services/<str:service_id>/secret/end/",
        service_keys.end_service_secret,
        name="service_secret_end",
    ),
    path("a/<str:account_id>/streams/", webhooks.streams, name="streams"),
    path("a/<str:account_id>/streams/new/", webhooks.new_webhook, name="webhook_new"),
    path("a/<str:account_id>/streams/events/<str:stream_id>/", webhooks.stream, name="stream"),
    path("a/<str:account_id>/streams/<str:hook_id>/", webhooks.webhook, name="webhook"),
    path(
        "a/<str:account_id>/streams/<str:hook_id>/act/<str:action>/",
        webhooks.act_on_webhook,
        name="webhook_act",
    ),
    path(
        "a/<str:account_id>/streams/<str:hook_id>/<str:message_id>/again/",
        webhooks.redeliver_message,
        name="webhook_redeliver",
    ),
    path("a/<str:account_id>/notices/", catalogue.notices, name="notices"),
]


def has_agent(account: Account, user: User) -> steps.Progress:
    found = Agent.objects.filter(account=account).exists()
    return steps.Progress.DONE if found else steps.Progress.NEXT


ACCOUNT_PAGES.add(Item("agents", "Agents", "agents", "bot", 20))
ACCOUNT_PAGES.add(Item("services", "Services", "services", "blocks", 40))
ACCOUNT_PAGES.add(Item("streams", "Webhooks", "streams", "webhook", 60, MAKERS))

ACCOUNT_PAGES.add(Item("usage", "Usage", "usage", "chart-column", 50))
ACCOUNT_PAGES.add(Item("notices", "Notices", "notices", "bell", 70))
steps.add(
    steps.Step(
        key="agent",
        order=60,
        name="Register your first agent",
        unlocks="It gets a passport and tokens for services.",
        action="Register…",
        url=lambda account_id: reverse("agent_new", kwargs={"account_id": account_id}),
        progress=has_agent,
    )
)
