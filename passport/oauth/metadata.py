"""What this server says of itself (RFC 8414, RFC 9728): only what is on.

Everything is built from the configured issuer, so a forged ``Host`` changes nothing (META-01).
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from passport.agents import own_api
from passport.conf import documentation_url, issuer, policy_url, terms_url
from passport.exchange.details import TYPES
from passport.exchange.grants import GRANTS
from passport.oauth.doors import oauth_door
from passport.oauth.published import publish
from passport.protocol import ASSERTION_ALGS, PROOF_ALGS
from passport.services.models import INTROSPECTION_ALGS
from passport.services.registration import ISSUER_SCOPES
from passport.signing import keys

API_SCOPES = (*sorted(ISSUER_SCOPES), *sorted(own_api.SCOPES))
"""What tokens for our own API may be asked for: a service's own, and those of people who manage accounts."""
CONFIDENTIAL = ["private_key_jwt", "client_secret_basic"]


def absolute(name: str) -> str:
    """The public URL of an endpoint of ours."""
    return issuer() + reverse(name)


@oauth_door("GET", "HEAD")
def authorization_server(request: HttpRequest) -> HttpResponse:
    return publish(request, describe_server())


@oauth_door("GET", "HEAD")
def protected_resource(request: HttpRequest) -> HttpResponse:
    return publish(request, describe_api())


@oauth_door("GET", "HEAD")
def jwks(request: HttpRequest) -> HttpResponse:
    return publish(request, keys.jwks())


def describe_server() -> dict[str, Any]:
    """RFC 8414 section 2."""
    return {
        "issuer": issuer(),
        "authorization_endpoint": absolute("authorize"),
        "token_endpoint": absolute("token"),
        "pushed_authorization_request_endpoint": absolute("par"),
        "require_pushed_authorization_requests": False,
        "jwks_uri": absolute("jwks"),
        "registration_endpoint": absolute("register"),
        "device_authorization_endpoint": absolute("device-authorization"),
        "revocation_endpoint": absolute("revoke"),
        "introspection_endpoint": absolute("introspect"),
        "status_list_aggregation_endpoint": absolute("status-lists"),
        "protected_resources": [f"{issuer()}/v1"],
        "scopes_supported": list(API_SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANTS),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": True,
        "dpop_signing_alg_values_supported": list(PROOF_ALGS),
        "authorization_details_types_supported": sorted(TYPES),
        "introspection_signing_alg_values_supported": list(INTROSPECTION_ALGS),
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "none", "client_secret_basic"],
        "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGS),
        "revocation_endpoint_auth_methods_supported": ["private_key_jwt", "none", "client_secret_basic"],
        "revocation_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGS),
        "introspection_endpoint_auth_methods_supported": CONFIDENTIAL,
        "introspection_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGS),
        "service_documentation": documentation(),
        "ui_locales_supported": ["en"],
        **where_set(op_policy_uri=policy_url(), op_tos_uri=terms_url()),
    }


def describe_api() -> dict[str, Any]:
    """RFC 9728 section 2, for the resource ``ISS/v1``. Its tokens carry no ``authorization_details``."""
    return {
        "resource": f"{issuer()}/v1",
        "authorization_servers": [issuer()],
        "scopes_supported": list(API_SCOPES),
        "bearer_methods_supported": ["header"],
        "resource_name": "Agent Passport API",
        "resource_documentation": documentation(),
        "dpop_signing_alg_values_supported": list(PROOF_ALGS),
        "dpop_bound_access_tokens_required": False,
        **where_set(resource_policy_uri=policy_url(), resource_tos_uri=terms_url()),
    }


def documentation() -> str:
    return documentation_url() or absolute("error-reasons")


def where_set(**pages: str) -> dict[str, str]:
    """A member that the operator left empty is left out."""
    return {name: url for name, url in pages.items() if url}
