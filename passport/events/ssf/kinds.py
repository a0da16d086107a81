"""The kinds of event, and the literal names of the framework (STANDARDS section 15). Pure."""

CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
RISC = "https://schemas.openid.net/secevent/risc/event-type/"
SSF = "https://schemas.openid.net/secevent/ssf/event-type/"

SESSION_REVOKED = f"{CAEP}session-revoked"
CREDENTIAL_CHANGE = f"{CAEP}credential-change"
ASSURANCE_CHANGE = f"{CAEP}assurance-level-change"
RISK_CHANGE = f"{CAEP}risk-level-change"
ACCOUNT_DISABLED = f"{RISC}account-disabled"
ACCOUNT_ENABLED = f"{RISC}account-enabled"
CREDENTIAL_COMPROMISE = f"{RISC}credential-compromise"
VERIFICATION = f"{SSF}verification"
STREAM_UPDATED = f"{SSF}stream-updated"

SUPPORTED = (
    SESSION_REVOKED,
    CREDENTIAL_CHANGE,
    ASSURANCE_CHANGE,
    RISK_CHANGE,
    ACCOUNT_DISABLED,
    ACCOUNT_ENABLED,
    CREDENTIAL_COMPROMISE,
)
"""What a receiver may ask for; events about the stream itself come in any case."""

PUSH = "urn:ietf:rfc:8935"
POLL = "urn:ietf:rfc:8936"
CREDENTIAL_TYPE = "verifiable-credential"
"""CAEP 1.0 section 3.2: the nearest registered name for a passport and for the key it is bound to."""


def delivered(requested: list[str] | None) -> list[str]:
    """The kinds that go out: those asked for that we have, in our order."""
    return [kind for kind in SUPPORTED if requested is None or kind in requested]
