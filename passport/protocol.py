"""The constants of the protocols, once each, with their source."""

# RFC 8693 section 2.1 and section 3.
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105
CLIENT_CREDENTIALS = "client_credentials"
AUTHORIZATION_CODE = "authorization_code"
REFRESH_TOKEN = "refresh_token"  # noqa: S105
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
"""RFC 8628 section 3.4."""
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
JWT_TYPE = "urn:ietf:params:oauth:token-type:jwt"
PASSPORT_TYPE = "urn:agent-passport:token-type:passport"
"""Ours; the NID is not registered."""

# RFC 7523 section 2.2.
JWT_BEARER_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

# Values of the JOSE header "typ", without "application/".
TYP_PASSPORT = "agent-passport+jwt"
TYP_ACCESS_TOKEN = "at+jwt"  # noqa: S105  RFC 9068 section 2.1
TYP_PROOF = "dpop+jwt"  # RFC 9449 section 4.2
TYP_ASSERTION = "client-authentication+jwt"
TYP_STATUS_LIST = "statuslist+jwt"  # Token Status List section 5.1
TYP_INTROSPECTION = "token-introspection+jwt"  # RFC 9701 section 5
TYP_SECURITY_EVENT = "secevent+jwt"  # RFC 8417 section 2.3
TYP_DENIED = "agent-passport-denied+jwt"
"""Ours: the signed list of denied subjects, for verifiers on the feed."""
TYP_RECEIPT = "agent-passport-receipt+jwt"
"""Ours: what a revocation batch did, to keep and to show."""

ASSERTION_ALGS = ("ES256", "ES384", "PS256", "RS256", "EdDSA", "Ed25519")
PROOF_ALGS = ("ES256", "EdDSA", "Ed25519")
"""RFC 9864: both Edwards names mean kty OKP, crv Ed25519."""

# Values of a Token Status List entry (section 7.1).
VALID, INVALID, SUSPENDED = 0, 1, 2
