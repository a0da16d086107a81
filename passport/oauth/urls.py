"""The paths of this door."""

from django.urls import URLPattern, URLResolver, path

from passport.oauth.authorize import authorize
from passport.oauth.device import device_authorization
from passport.oauth.device_page import device
from passport.oauth.introspection import introspect
from passport.oauth.metadata import authorization_server, jwks, protected_resource
from passport.oauth.pages import error_reasons
from passport.oauth.par import pushed_authorization_request
from passport.oauth.registering import register, registration
from passport.oauth.revocation import revoke
from passport.oauth.token import token

urlpatterns: list[URLPattern | URLResolver] = [
    path(".well-known/oauth-authorization-server", authorization_server, name="authorization-server"),
    path(".well-known/oauth-protected-resource/v1", protected_resource, name="protected-resource"),
    path(".well-known/jwks.json", jwks, name="jwks"),
    path("oauth/authorize", authorize, name="authorize"),
    path("oauth/par", pushed_authorization_request, name="par"),
    path("oauth/device_authorization", device_authorization, name="device-authorization"),
    path("device", device, name="device"),
    path("oauth/token", token, name="token"),
    path("oauth/introspect", introspect, name="introspect"),
    path("oauth/register", register, name="register"),
    path("oauth/register/<str:client_id>", registration, name="registration"),
    path("oauth/revoke", revoke, name="revoke"),
    path("docs/errors", error_reasons, name="error-reasons"),
]
