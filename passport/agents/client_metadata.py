"""What a client says of itself (RFC 7591 section 2): read strictly, from a registration or a document. Pure.

Members that are not known are ignored, as section 2 wants. What would make the client more than
it may be is refused by name, never dropped silently.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from passport.agents.key_sets import parse_key_set
from passport.agents.keys import BadKey, PublicKey
from passport.agents.names import BadName, clean_name
from passport.agents.redirect_uris import (
    NATIVE,
    WEB,
    BadRedirectUri,
    application_type_of,
    check_redirect_uri,
)
from passport.errors import InvalidClientMetadata, InvalidRedirectUri, UnapprovedSoftwareStatement
from passport.protocol import (
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    REFRESH_TOKEN,
    TOKEN_EXCHANGE,
)

NONE, BY_ASSERTION = "none", "private_key_jwt"
OF_PEOPLE = (AUTHORIZATION_CODE, REFRESH_TOKEN)
"""All that a client without an account may use."""
OF_AGENTS = (AUTHORIZATION_CODE, REFRESH_TOKEN, CLIENT_CREDENTIALS, TOKEN_EXCHANGE, DEVICE_CODE)
SECRETS = ("client_secret", "client_secret_expires_at")
UNNAMED = "Unnamed client"
MOST_URIS = 10
MOST_NAME = 80
MOST_URL = 500
MOST_SCOPE = 4096
SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+(?: [\x21\x23-\x5B\x5D-\x7E]+)*")
TYPE_NAME = re.compile(r"[!-~]{1,200}")
PAGES = ("client_uri", "logo_uri", "tos_uri", "policy_uri")


@dataclass(frozen=True, slots=True)
class ClientMetadata:
    name: str
    redirect_uris: tuple[str, ...]
    application_type: str
    auth_method: str
    grant_types: tuple[str, ...]
    keys: tuple[PublicKey, ...]
    jwks_uri: str
    scope: str
    dpop_bound: bool
    require_par: bool
    about: Mapping[str, Any] = field(default_factory=dict)
    """Members that are shown and never decided by."""


def read_metadata(members: Mapping[str, Any], *, grants: tuple[str, ...]) -> ClientMetadata:
    """Judge what a client says. ``grants``: those that it may have at most.

    Raises InvalidRedirectUri (DCR-04), InvalidClientMetadata (DCR-02, DCR-05, DCR-10),
    UnapprovedSoftwareStatement (DCR-06).
    """
    if "software_statement" in members:
        raise UnapprovedSoftwareStatement("software statements are not taken here")
    for name in SECRETS:
        if name in members:
            raise InvalidClientMetadata(f"{name} is not taken: clients have no secret here")
    # RFC 7592 section 2.2: null is as good as omitted.
    members = {name: value for name, value in members.items() if value is not None}
    keys, jwks_uri = _read_keys(members)
    redirect_uris, application_type = _read_redirects(members)
    auth_method = _read_auth_method(members, has_keys=bool(keys or jwks_uri))
    return ClientMetadata(
        name=_read_name(members, "client_name", most=MOST_NAME) or UNNAMED,
        redirect_uris=redirect_uris,
        application_type=application_type,
        auth_method=auth_method,
        grant_types=_read_grants(members, redirect_uris, auth_method, grants),
        keys=keys,
        jwks_uri=jwks_uri,
        scope=_read_scope(members),
        dpop_bound=_read_flag(members, "dpop_bound_access_tokens"),
        require_par=_read_flag(members, "require_pushed_authorization_requests"),
        about=_read_about(members),
    )


def response_types(grant_types: tuple[str, ...]) -> list[str]:
    return ["code"] if AUTHORIZATION_CODE in grant_types else []


def _read_keys(members: Mapping[str, Any]) -> tuple[tuple[PublicKey, ...], str]:
    if "jwks" in members and "jwks_uri" in members:
        raise InvalidClientMetadata("jwks and jwks_uri exclude each other")
    if "jwks_uri" in members:
        return (), _read_page(members, "jwks_uri")
    if "jwks" not in members:
        return (), ""
    try:
        return parse_key_set(members["jwks"]), ""
    except BadKey as bad:
        raise InvalidClientMetadata(f"jwks: {bad}") from None


def _read_redirects(members: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    uris = _strings(members, "redirect_uris", refusal=InvalidRedirectUri)
    application_type = members.get("application_type", application_type_of(uris))
    if application_type not in (WEB, NATIVE):
        raise InvalidClientMetadata(f"application_type is {WEB} or {NATIVE}")
    for uri in uris:
        try:
            check_redirect_uri(uri, application_type=application_type)
        except BadRedirectUri as bad:
            raise InvalidRedirectUri(str(bad)) from None
    return tuple(dict.fromkeys(uris)), application_type


def _read_auth_method(members: Mapping[str, Any], *, has_keys: bool) -> str:
    """Without a word the keys decide: the default of RFC 7591 is a secret, which nobody gets here."""
    method = members.get("token_endpoint_auth_method", BY_ASSERTION if has_keys else NONE)
    if method not in (NONE, BY_ASSERTION):
        raise InvalidClientMetadata(f"token_endpoint_auth_method is {BY_ASSERTION} or {NONE}")
    if method == BY_ASSERTION and not has_keys:
        raise InvalidClientMetadata(f"{BY_ASSERTION} needs jwks or jwks_uri")
    return str(method)


def _read_grants(
    members: Mapping[str, Any], redirect_uris: tuple[str, ...], auth_method: str, most: tuple[str, ...]
) -> tuple[str, ...]:
    chosen = _strings(members, "grant_types") or _suitable(redirect_uris, auth_method)
    for grant in chosen:
        if grant not in most:
            raise InvalidClientMetadata(f"grant_types may hold: {' '.join(most)}")
    if AUTHORIZATION_CODE in chosen and not redirect_uris:
        raise InvalidRedirectUri(f"{AUTHORIZATION_CODE} needs redirect_uris")
    if CLIENT_CREDENTIALS in chosen and auth_method == NONE:
        raise InvalidClientMetadata(f"{CLIENT_CREDENTIALS} needs {BY_ASSERTION}")
    if REFRESH_TOKEN in chosen and not {AUTHORIZATION_CODE, DEVICE_CODE} & set(chosen):
        raise InvalidClientMetadata(f"{REFRESH_TOKEN} alone begins nothing")
    asked = _strings(members, "response_types") or response_types(tuple(chosen))
    if any(kind != "code" for kind in asked) or (asked and AUTHORIZATION_CODE not in chosen):
        raise InvalidClientMetadata("response_types is code, with the grant authorization_code")
    return tuple(dict.fromkeys(chosen))


def _suitable(redirect_uris: tuple[str, ...], auth_method: str) -> list[str]:
    by_person = list(OF_PEOPLE) if redirect_uris else []
    return by_person + ([CLIENT_CREDENTIALS, TOKEN_EXCHANGE] if auth_method == BY_ASSERTION else [])


def _read_scope(members: Mapping[str, Any]) -> str:
    scope = members.get("scope", "")
    if scope == "":
        return ""
    if not isinstance(scope, str) or len(scope) > MOST_SCOPE or not SCOPE.fullmatch(scope):
        raise InvalidClientMetadata("scope is a list of scopes, separated by one space each")
    return scope


def _read_flag(members: Mapping[str, Any], name: str) -> bool:
    value = members.get(name, False)
    if not isinstance(value, bool):
        raise InvalidClientMetadata(f"{name} is true or false")
    return value


def _read_about(members: Mapping[str, Any]) -> dict[str, Any]:
    readers: dict[str, Callable[[Mapping[str, Any], str], Any]] = {
        **dict.fromkeys(PAGES, _read_page),
        "software_id": _read_name,
        "software_version": _read_name,
        "contacts": _read_contacts,
        "authorization_details_types": _read_types,
    }
    return {name: reader(members, name) for name, reader in readers.items() if members.get(name, "") != ""}


def _read_name(members: Mapping[str, Any], name: str, *, most: int = 120) -> str:
    value = members.get(name, "")
    if not isinstance(value, str):
        raise InvalidClientMetadata(f"{name} is a string")
    try:
        return clean_name(value, most=most, label=name, required=False)
    except BadName as bad:
        raise InvalidClientMetadata(str(bad)) from None


def _read_page(members: Mapping[str, Any], name: str) -> str:
    return read_url(members[name], name)


def read_url(value: Any, name: str) -> str:
    """An https URL that people or we may open. Never one with a user, a fragment or blanks in it.

    Raises InvalidClientMetadata.
    """
    if isinstance(value, str) and len(value) <= MOST_URL and re.fullmatch("[!-~]+", value):
        try:
            parts = urlsplit(value)
            good = parts.scheme == "https" and parts.hostname and parts.port != 0
        except ValueError:
            good = False
        if good and "@" not in parts.netloc and not parts.fragment and not set(value) & set("<>\"'\\`"):
            return value
    raise InvalidClientMetadata(f"{name} is an https URL of at most {MOST_URL} characters")


def _read_contacts(members: Mapping[str, Any], name: str) -> list[str]:
    return [_read_name({name: contact}, name) for contact in _strings(members, name)]


def _read_types(members: Mapping[str, Any], name: str) -> list[str]:
    types = _strings(members, name)
    if not all(TYPE_NAME.fullmatch(kind) for kind in types):
        raise InvalidClientMetadata(f"{name} holds names of at most 200 visible ASCII characters")
    return types


def _strings(
    members: Mapping[str, Any],
    name: str,
    *,
    refusal: type[InvalidClientMetadata | InvalidRedirectUri] = InvalidClientMetadata,
) -> list[str]:
    value = members.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise refusal(f"{name} is a list of strings")
    if len(value) > MOST_URIS:
        raise refusal(f"{name} has more than {MOST_URIS} entries")
    return value
