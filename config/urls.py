"""Every path of the server. Each app lists its own; nothing else is routed."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("foundation.web.urls")),
    path("", include("passport.urls")),
    path("", include("attestation.urls")),
    path("", include("accounts.urls")),
    path("admin/", admin.site.urls),
]
