"""Every ``error`` and every reason in ``error_uri``: what happened, and how to cure it."""

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Reason:
    code: str
    meaning: str | Promise
    cure: str | Promise


CODES: Final = (
    Reason(
        "invalid_request",
        _("The request is malformed, or a subject or actor token in it is not good."),
        _("Read error_description: it names the parameter or the token and what is wrong with it."),
    ),
    Reason(
        "invalid_client",
        _("The client did not authenticate: unknown, or its assertion or secret is not good."),
        _(
            "Sign a fresh assertion with an active key; its aud is the issuer alone, its jti is new, "
            "its exp at most 5 minutes ahead."
        ),
    ),
    Reason(
        "invalid_grant",
        _("A code or a refresh token is unknown, used, expired or another client's."),
        _("Start over from the first step of the grant."),
    ),
    Reason(
        "unauthorized_client",
        _("The client is known, but may not do this, or it or its account is restricted."),
        _("Read error_description, and the state of the agent in the portal."),
    ),
    Reason(
        "unsupported_grant_type",
        _("This server does not offer that grant."),
        _("Use one of grant_types_supported in the server's metadata."),
    ),
    Reason(
        "unsupported_response_type",
        _("The authorization endpoint gives codes and nothing else."),
        _("Send response_type=code with a code_challenge (S256)."),
    ),
    Reason(
        "request_not_supported",
        _("The authorization request came with a request object, which is not read here."),
        _("Send its parameters as they are, or push them to the PAR endpoint."),
    ),
    Reason(
        "invalid_scope",
        _("A scope is unknown, malformed, not granted to the agent, or needs stronger proof of its owner."),
        _("Ask only for scopes that the passport and the service share; nothing is narrowed silently."),
    ),
    Reason(
        "invalid_target",
        _("The service is not registered, out of reach of this agent, or of the other environment."),
        _("Give the audience of one registered service as resource; grant the agent access in the portal."),
    ),
    Reason(
        "invalid_authorization_details",
        _("authorization_details are malformed or wider than what is held."),
        _("Leave them out, or ask for no more than the subject token allows."),
    ),
    Reason(
        "invalid_dpop_proof",
        _("The DPoP proof is missing, malformed, replayed, or not for this request and key."),
        _("Make a new proof for each request: its own jti, htm, htu without query, iat of now."),
    ),
    Reason(
        "use_dpop_nonce",
        _("The proof's time cannot be relied on, or its nonce is old."),
        _("Send the request again with the nonce of the DPoP-Nonce header in a new proof."),
    ),
    Reason(
        "invalid_token",
        _("The access token is expired, revoked, or not for this service."),
        _("Exchange the passport for a new access token."),
    ),
    Reason(
        "unsupported_token_type",
        _("The token is of a kind that cannot be revoked here."),
        _("Revoke passports and access tokens; other tokens end by themselves."),
    ),
    Reason(
        "access_denied",
        _("The caller is known, but this is not for it; or a person said no."),
        _("Read error_description. Introspection is for services: call it with a service's credentials."),
    ),
    Reason(
        "authorization_pending",
        _("The person has not decided yet about the device."),
        _("Poll again after the interval."),
    ),
    Reason(
        "slow_down",
        _("The device polls too often."),
        _("Wait five seconds longer between polls from now on."),
    ),
    Reason(
        "expired_token",
        _("The device code has expired."),
        _("Ask for a new one, and show the person its user code."),
    ),
    Reason(
        "invalid_redirect_uri",
        _("A redirect URI of the registration is not one that may be registered."),
        _(
            "Register https URIs; for an installed application also http on the loopback interface "
            "or a scheme of its own, such as com.example.app:/callback."
        ),
    ),
    Reason(
        "invalid_client_metadata",
        _("What the client says of itself cannot be registered."),
        _("Read error_description: it names the member and what is wrong with it."),
    ),
    Reason(
        "unapproved_software_statement",
        _("The registration carries a software statement; this server trusts no issuer of them."),
        _("Leave software_statement out and send the metadata itself."),
    ),
    Reason(
        "temporarily_unavailable",
        _("A limit was reached (429), or the server cannot decide now (503)."),
        _("Wait as long as Retry-After says, then send the request again with a new jti."),
    ),
)

REASONS: Final = (
    Reason(
        "client_closed",
        _("The client is no longer registered, or its registration was withdrawn."),
        _("Register it anew."),
    ),
    Reason(
        "consent_ended",
        _("The person withdrew their consent, it ran out, or it ended because something of it was stolen."),
        _("Ask the person again, from the authorization endpoint."),
    ),
    Reason(
        "used_twice",
        _("A code or a refresh token came a second time: all that came of it has ended."),
        _("Keep only the newest refresh token, let one process refresh, and ask the person again."),
    ),
    Reason(
        "account_suspended",
        _("The account that owns the agent is suspended; that may be lifted."),
        _("Its owner finds the reason in the portal, and can appeal there."),
    ),
    Reason(
        "account_revoked",
        _("The account that owns the agent was revoked."),
        _("Its owner finds the reason in the portal, and can appeal there."),
    ),
    Reason("account_closed", _("The account was closed."), _("Register the agent with an open account.")),
    Reason(
        "agent_suspended",
        _("The agent is suspended; that may be lifted."),
        _("Its owner finds the reason in the portal."),
    ),
    Reason("agent_revoked", _("The agent was revoked."), _("Its owner finds the reason in the portal.")),
    Reason("agent_closed", _("The agent was closed by its owner."), _("Register a new agent.")),
    Reason(
        "key_suspended",
        _("The key is suspended; that may be lifted."),
        _("Use another active key of the agent, or ask its owner."),
    ),
    Reason(
        "key_revoked",
        _("The key was revoked, as stolen keys are."),
        _("Make a new key, register it in the portal and get a new passport."),
    ),
    Reason(
        "key_retired",
        _("The key is retired, or not valid at this time."),
        _("Use the key that followed it, and get a new passport."),
    ),
    Reason(
        "passport_suspended",
        _("The passport is suspended; that may be lifted."),
        _("Its owner finds the reason in the portal."),
    ),
    Reason(
        "passport_revoked",
        _("The passport was revoked."),
        _("Get a new passport, if its owner's account and the agent are in good standing."),
    ),
    Reason("passport_expired", _("The passport has ended."), _("Renew it with a proof by its key.")),
    Reason(
        "signing_key_suspended",
        _("The key of this server that signed the token is out of use."),
        _("Get a new passport with a proof by the agent's key."),
    ),
    Reason(
        "signing_key_revoked",
        _("The key of this server that signed the token was withdrawn."),
        _("Get a new passport with a proof by the agent's key."),
    ),
    Reason(
        "signing_key_unknown",
        _("The token names no key of this server: it is of another issuer, or very old."),
        _("Get a new passport with a proof by the agent's key."),
    ),
    Reason("token_revoked", _("The access token was revoked."), _("Exchange the passport for a new one.")),
    Reason("token_expired", _("The access token has ended."), _("Exchange the passport for a new one.")),
    Reason(
        "actor_restricted",
        _("An agent that acts in the token's chain is closed, suspended or revoked."),
        _("Let another agent act."),
    ),
    Reason(
        "assertion_replayed",
        _("An assertion with this jti was used before."),
        _("Sign a new assertion, with a random jti, for every request."),
    ),
    Reason(
        "assertion_unknown",
        _("The server began anew a moment ago and cannot know whether this assertion was used before."),
        _("Wait as long as Retry-After says, if it is there; then sign a new one, with an iat of then."),
    ),
    Reason(
        "client_secret",
        _("A client secret came in the body. Agents have no secret."),
        _("Agents sign assertions (private_key_jwt); services send their secret by HTTP Basic."),
    ),
    Reason(
        "service_disabled",
        _("The service was disabled by an operator."),
        _("Ask the operator of this server."),
    ),
    Reason(
        "workload_issuer_unknown",
        _("The issuer or the exact subject of the workload token is not registered by the agent."),
        _("Register both on the agent's page, byte for byte as in iss and sub of the token."),
    ),
    Reason(
        "workload_keys_unreachable",
        _("The keys of the workload token's issuer cannot be fetched now."),
        _("Wait as long as Retry-After says; look whether openid-configuration can be read from outside."),
    ),
    Reason(
        "workload_token_old",
        _("The server began anew since the workload token was made, and cannot know whether it was used."),
        _("Get a new token of the workload from its platform."),
    ),
    Reason(
        "workload_token_replayed",
        _("The workload token was used before."),
        _("Get a new token of the workload for every passport."),
    ),
    Reason(
        "actor_not_permitted",
        _("The agent's owner has not allowed that agent or service to act for it."),
        _("Let the owner allow it on the agent's page, or exchange the token as the agent that holds it."),
    ),
    Reason(
        "assurance_too_low",
        _("A scope asks for stronger proof of identity or payment than the agent's owner has given."),
        _("error_description names the level. Its owner reaches it in the portal."),
    ),
    Reason(
        "attestation_missing",
        _("The agent's owner has not proven identity and payment as far as a passport needs."),
        _("error_description names what is missing. Its owner proves it in the portal."),
    ),
    Reason(
        "details_too_wide",
        _("A limit in authorization_details is wider than what the agent or its token holds."),
        _("error_description names it. Ask for less, or let the agent's owner raise it in the portal."),
    ),
    Reason(
        "issuance_paused",
        _("Operators have paused the issuing of passports."),
        _("Wait as long as Retry-After says. Passports that exist still work."),
    ),
    Reason(
        "no_signing_key",
        _("This server has no key to sign with yet."),
        _("Try again; if it stays, tell its operator to run manage.py rotate_signing_key."),
    ),
    Reason(
        "nothing_granted",
        _("The agent was granted no scope of any service yet."),
        _("Its owner grants access to services in the portal."),
    ),
    Reason(
        "other_client",
        _("The token belongs to another client than the one that presents it."),
        _("Present it as the client it was issued to."),
    ),
    Reason(
        "other_key",
        _("The proof is by another key than the token is bound to, or than the agent registered."),
        _("Sign proofs with the key whose thumbprint is in the token's cnf.jkt."),
    ),
    Reason(
        "passport_unknown",
        _("The passport is not known here."),
        _("Get a new passport with a proof by the agent's key."),
    ),
    Reason(
        "proof_missing",
        _("The token or the service asks for a DPoP proof, and none came."),
        _("Send a DPoP header with a proof by the agent's key."),
    ),
    Reason(
        "proof_replayed",
        _("A proof with this jti was used before."),
        _("Make a new proof, with a random jti, for every request."),
    ),
    Reason(
        "public_client",
        _("The grant is for clients that authenticate."),
        _("Sign an assertion (private_key_jwt), or send a service's secret by HTTP Basic."),
    ),
    Reason(
        "rate_limited",
        _("The agent or its account has used up its budget for tokens."),
        _("Wait as long as Retry-After says; keep an access token until it ends."),
    ),
    Reason(
        "registration_limited",
        _("Too many clients were registered from there, or wait unused."),
        _("Wait as long as Retry-After says, or register with an initial access token from the portal."),
    ),
    Reason(
        "agent_quota",
        _("The account has as many agents as it may have."),
        _("Close one that is no longer used, or ask the operator."),
    ),
    Reason(
        "subject_token_ending",
        _("The subject token ends within five seconds, and so would the new one."),
        _("Exchange the passport itself, or a token with more life left."),
    ),
)
