"""The paths of this door."""

from django.urls import URLPattern, URLResolver, path

from passport.events.lists import aggregation, status_list
from passport.events.ssf import views as ssf
from passport.events.views import events

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/events", events, name="events"),
    path("status", aggregation, name="status-lists"),
    path("status/<int:number>", status_list, name="status-list"),
    path(".well-known/ssf-configuration", ssf.configuration, name="ssf-configuration"),
    path("ssf/streams", ssf.stream_door, name="ssf-streams"),
    path("ssf/status", ssf.status_door, name="ssf-status"),
    path("ssf/subjects/add", ssf.add_door, name="ssf-add"),
    path("ssf/subjects/remove", ssf.remove_door, name="ssf-remove"),
    path("ssf/verify", ssf.verify_door, name="ssf-verify"),
    path("ssf/poll/<str:stream_id>", ssf.poll_door, name="ssf-poll"),
]
