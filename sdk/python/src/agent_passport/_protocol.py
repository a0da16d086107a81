"""Names that stand in the protocol, each once, and where the issuer's doors are."""

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105
"""RFC 8693 section 2.1."""
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
"""RFC 8628 section 3.4."""
JWT_BEARER_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""RFC 7523 section 2.2."""
PASSPORT_TYPE = "urn:agent-passport:token-type:passport"
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
"""RFC 8693 section 3."""

PASSPORT_TYP = "agent-passport+jwt"
ACCESS_TOKEN_TYP = "at+jwt"  # noqa: S105
"""RFC 9068 section 2.1."""
PROOF_TYP = "dpop+jwt"
"""RFC 9449 section 4.2."""
ASSERTION_TYP = "client-authentication+jwt"
STATUS_LIST_TYP = "statuslist+jwt"
RECEIPT_TYP = "agent-passport-receipt+jwt"
DENIED_LIST_TYP = "agent-passport-denied+jwt"

TOKEN_PATH = "/oauth/token"  # noqa: S105
DEVICE_PATH = "/oauth/device_authorization"
REVOKE_PATH = "/oauth/revoke"
METADATA_PATH = "/.well-known/oauth-authorization-server"
KEYS_PATH = "/.well-known/jwks.json"
LISTS_PATH = "/status"
FEED_PATH = "/v1/events"
BLOCKS_PATH = "/v1/limits/blocks"
USAGE_PATH = "/v1/usage"
API_RESOURCE_PATH = "/v1"
"""``ISS/v1`` is the audience of the token by which a service reads the feed and takes units, and of those
by which people manage an account."""
CLI_CLIENT_ID = "agent-passport-cli"
"""The command line, a public client that every issuer knows."""
