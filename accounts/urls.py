"""The paths of this app: each door lists its own."""

from django.urls import include, path

urlpatterns = [
    path("", include("accounts.people.urls")),
    path("", include("accounts.portal.urls")),
]
