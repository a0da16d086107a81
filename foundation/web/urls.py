"""The paths of this door."""

from django.urls import URLPattern, URLResolver, path

from foundation.web import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("livez", health.livez),
    path("readyz", health.readyz),
]
