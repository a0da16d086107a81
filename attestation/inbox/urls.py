"""The paths of this door."""

from django.urls import path

from attestation.inbox.webhooks import receive

urlpatterns = [path("webhooks/<slug:provider_name>", receive, name="webhook")]
