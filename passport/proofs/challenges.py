"""How our own API says what it wants: two challenges, for it takes Bearer and DPoP (RFC 9728 section 5.1)."""

from passport.protocol import PROOF_ALGS


def challenges(issuer: str, *, scope: str, error: str = "", description: str = "") -> dict[str, str]:
    """The header field, on 401 and 403. ``error`` only where a token came (RFC 6750 section 3.1)."""
    said = f'resource_metadata="{issuer}/.well-known/oauth-protected-resource/v1", scope="{scope}"'
    if error:
        said += f', error="{error}"'
    if description:
        said += f', error_description="{description}"'
    return {
        "WWW-Authenticate": f'Bearer realm="{issuer}", {said}, '
        f'DPoP realm="{issuer}", algs="{" ".join(PROOF_ALGS)}", {said}'
    }
