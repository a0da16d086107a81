"""The paths of this door."""

from django.urls import URLPattern, URLResolver, path

from passport.decisions import gateway_views, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("access/v1/evaluation", views.evaluation),
    path("access/v1/evaluations", views.evaluations),
    path("access/v1/gateway", gateway_views.gateway),
    path("access/v1/gateway/nginx", gateway_views.gateway_for_nginx),
    path("v1/limits/blocks", views.blocks),
    path(".well-known/authzen-configuration", views.configuration),
]
