"""The paths of this door."""

from django.urls import URLPattern, URLResolver, path

from passport.api.descriptions import NAMES, openapi
from passport.api.usage_reports import reports, usage

urlpatterns: list[URLPattern | URLResolver] = [
    *(path(f"docs/openapi/{name}.yaml", openapi, {"name": name}, name=f"openapi-{name}") for name in NAMES),
    path("v1/usage", usage, name="usage-reports"),
    path("v1/reports", reports, name="abuse-reports"),
]
