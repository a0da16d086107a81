"""The paths of this app: each door lists its own."""

from django.urls import include, path

urlpatterns = [
    path("", include("passport.oauth.urls")),
    path("", include("passport.decisions.urls")),
    path("", include("passport.events.urls")),
    path("", include("passport.api.urls")),
    path("", include("passport.safety.urls")),
    path("", include("passport.portal.urls")),
]
