"""The paths of this door."""

from django.urls import URLPattern, URLResolver, path

from passport.events.lists import aggregation, status_list
from passport.events.views import events

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/events", events, name="events"),
    path("status", aggregation, name="status-lists"),
    path("status/<int:number>", status_list, name="status-list"),
]
