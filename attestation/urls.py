"""The paths of this app: each door lists its own."""

from django.urls import include, path

urlpatterns = [
    path("", include("attestation.inbox.urls")),
    path("", include("attestation.simulators.urls")),
    path("", include("attestation.portal.urls")),
]
