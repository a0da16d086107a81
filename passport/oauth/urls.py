"""The paths of this door."""

from django.urls import URLPattern, URLResolver, path

from passport.oauth.token import token

urlpatterns: list[URLPattern | URLResolver] = [
    path("oauth/token", token, name="token"),
]
