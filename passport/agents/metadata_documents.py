"""Clients whose id is the https URL of a document that describes them (Client ID Metadata Document).

Nothing is registered: the document is fetched by the rules for what strangers name, and kept while
it is fresh. Such a client acts for people alone; it has no account and gets no passport.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog

from foundation import clock
from foundation.outbound import documents
from foundation.outbound.client import DOCUMENT as DOCUMENT_LIMITS
from foundation.outbound.client import KEYS, OutboundError
from foundation.outbound.documents import Document, Kind
from passport.agents.client_metadata import OF_PEOPLE, ClientMetadata, read_metadata
from passport.agents.key_sets import read_key_set
from passport.agents.keys import PublicKey
from passport.agents.oauth_client import DOCUMENT, OAuthClient
from passport.errors import OAuthError
from passport.jose import strict_json
from passport.protocol import AUTHORIZATION_CODE

log = structlog.get_logger()

PREFIX = "https://"
MOST_CHARACTERS = 255
KEYS_OF_DOCUMENTS = Kind("document_keys", KEYS, read_key_set)
VISIBLE = re.compile("[!-~]+")
FORBIDDEN = frozenset("\"'<>\\`{|}^ ")


def find_document(client_id: str) -> OAuthClient | None:
    """The client that the document at that URL describes; None for any other id.

    Also None where the document cannot be had, or is not what it must be (CIMD-01, CIMD-02):
    whoever asks learns nothing of the network. At most two fetches, of the document and its keys.
    """
    if not is_document_url(client_id):
        return None
    now = clock.now()
    try:
        document = documents.read(client_id, _kind_of(client_id), now=now)
        metadata = read_document(client_id, document.body)
        return _as_client(client_id, metadata, _keys_of(metadata, now), document)
    except OutboundError as failure:
        log.info("client_document_refused", reason=failure.reason)
        return None


def would_be_fetched(client_id: str) -> bool:
    """Whether asking for that client now sends a request somewhere."""
    if not is_document_url(client_id):
        return False
    return not documents.is_held(client_id, _kind_of(client_id), now=clock.now())


def is_document_url(client_id: str) -> bool:
    """Whether a URL may be a client id: a path, no fragment, no user, no dot segment, however written."""
    if len(client_id) > MOST_CHARACTERS or not VISIBLE.fullmatch(client_id) or FORBIDDEN & set(client_id):
        return False
    try:
        parts = urlsplit(client_id)
        port = parts.port
    except ValueError:
        return False
    if not client_id.startswith(PREFIX) or not parts.hostname or "#" in client_id or "@" in parts.netloc:
        return False
    if port == 0 or parts.netloc.endswith(":") or not parts.path:
        return False
    return not any(unquote(segment) in (".", "..") for segment in parts.path.split("/"))


def read_document(client_id: str, body: bytes) -> ClientMetadata:
    """What a document says, if it may be taken at its word. Raises ValueError.

    It is written for many servers: of grants and response types only those count that we have.
    """
    members = strict_json.loads_object(body)
    if members.get("client_id") != client_id:
        raise ValueError("client_id inside differs from the URL")
    if secret := next((name for name in members if name.startswith("client_secret")), None):
        raise ValueError(f"{secret} in a public document")
    if not members.get("client_name") or not members.get("redirect_uris"):
        raise ValueError("client_name and redirect_uris are required")
    try:
        return read_metadata({**members, **_ours(members)}, grants=OF_PEOPLE)
    except OAuthError as refusal:
        raise ValueError(refusal.description) from None


def _kind_of(client_id: str) -> Kind:
    return Kind("client_document", DOCUMENT_LIMITS, partial(read_document, client_id))


def _ours(members: Mapping[str, Any]) -> dict[str, Any]:
    said = members.get("grant_types", [AUTHORIZATION_CODE])
    kinds = members.get("response_types", ["code"])
    if not isinstance(said, list) or not isinstance(kinds, list):
        raise ValueError("grant_types and response_types are lists")
    grants = [grant for grant in OF_PEOPLE if grant in said]
    if AUTHORIZATION_CODE not in grants or "code" not in kinds:
        raise ValueError("the document does not speak of the authorization code grant")
    return {"grant_types": grants, "response_types": ["code"]}


def _keys_of(metadata: ClientMetadata, now: datetime) -> tuple[PublicKey, ...]:
    """Raises OutboundError where the keys cannot be had: without them it is not the client it says."""
    if not metadata.jwks_uri:
        return metadata.keys
    return read_key_set(documents.read(metadata.jwks_uri, KEYS_OF_DOCUMENTS, now=now).body)


def _as_client(
    client_id: str, metadata: ClientMetadata, keys: tuple[PublicKey, ...], document: Document
) -> OAuthClient:
    return OAuthClient(
        client_id=client_id,
        name=metadata.name,
        kind=DOCUMENT,
        redirect_uris=metadata.redirect_uris,
        auth_method=metadata.auth_method,
        application_type=metadata.application_type,
        keys=tuple({**key.jwk, "kid": key.kid, "alg": key.alg} for key in keys),
        account_id=None,
        grant_types=frozenset(metadata.grant_types),
        scopes=frozenset(metadata.scope.split()) or None,
        uri=metadata.about.get("client_uri", ""),
        logo_uri=metadata.about.get("logo_uri", ""),
        created_at=document.fetched_at,
        require_par=metadata.require_par,
        dpop_bound=metadata.dpop_bound,
    )
