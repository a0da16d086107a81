"""The paths of the sandbox provider: pages for people, an API for its customer."""

from django.urls import path

from attestation.simulators.sandbox import api, pages

urlpatterns = [
    path("sandbox-provider/s/<str:session_id>/", pages.hosted, name="sandbox-provider-session"),
    path("sandbox-provider/v1/sessions", api.create, name="sandbox-provider-create"),
    path("sandbox-provider/v1/sessions/<str:session_id>", api.retrieve, name="sandbox-provider-retrieve"),
    path("sandbox-provider/v1/sessions/<str:session_id>/cancel", api.cancel, name="sandbox-provider-cancel"),
    path("sandbox-provider/v1/sessions/<str:session_id>/redact", api.redact, name="sandbox-provider-redact"),
    path("sandbox-provider/v1/undelivered", api.undelivered, name="sandbox-provider-undelivered"),
]
