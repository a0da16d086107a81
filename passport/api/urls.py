"""The paths of this door."""

from django.urls import URLPattern, URLResolver, path

from passport.api import account, agents, grants, keys, passports, services
from passport.api.descriptions import NAMES, openapi
from passport.api.usage_reports import reports, usage

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/usage", usage, name="usage-reports"),
    path("v1/reports", reports, name="abuse-reports"),
    path("v1/me", account.me),
    path("v1/account", account.account),
    path("v1/agents", agents.agents),
    path("v1/agents/<str:agent_id>", agents.agent),
    path("v1/agents/<str:agent_id>/keys", keys.keys),
    path("v1/agents/<str:agent_id>/keys/<str:key_id>/retire", keys.key_end),
    path("v1/agents/<str:agent_id>/grants", grants.grants),
    path("v1/agents/<str:agent_id>/grants/<str:service_id>", grants.grant),
    path("v1/agents/<str:agent_id>/passports", passports.passports),
    path("v1/agents/<str:agent_id>/passports/<str:jti>/revoke", passports.passport_revoke),
    path("v1/offers", grants.offers),
    path("v1/services", services.services),
    path("v1/services/<str:service_id>", services.service),
    path("v1/services/<str:service_id>/secret", services.service_secret),
    path("v1/services/<str:service_id>/keys", services.service_keys),
    *(path(f"docs/openapi/{name}.yaml", openapi, {"name": name}, name=f"openapi-{name}") for name in NAMES),
]
