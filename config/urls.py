"""Every path of the server. Each app lists its own; nothing else is routed."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

handler400 = "foundation.web.failures.bad_request"
handler403 = "foundation.web.failures.forbidden"
handler404 = "foundation.web.failures.not_found"
handler500 = "foundation.web.failures.server_error"

urlpatterns = [
    path("", include("foundation.web.urls")),
    path("", include("passport.urls")),
    path("", include("attestation.urls")),
    path("", include("accounts.urls")),
    path("admin", RedirectView.as_view(pattern_name="admin:start")),
    path("admin/", admin.site.urls),
]
