"""The paths of this door."""

from django.urls import URLPattern, URLResolver, path

from passport.api.descriptions import NAMES, openapi

urlpatterns: list[URLPattern | URLResolver] = [
    path(f"docs/openapi/{name}.yaml", openapi, {"name": name}, name=f"openapi-{name}") for name in NAMES
]
