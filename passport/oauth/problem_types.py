"""The ``type`` of every problem (RFC 9457) that this server or a service with our SDK answers with."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from passport.oauth.reasons import Reason

PROBLEMS: Final = (
    Reason(
        "gateway_not_set_up",
        _("The gateway in front of a service is unknown, or does not say what is asked."),
        _("Tell whoever runs it: id, secret, scope, method or path is missing or wrong."),
    ),
    Reason(
        "invalid-request",
        _("The body of a decision, of a block of units or of a report is malformed."),
        _("Read detail and, where there are any, errors: they name the member and what is wrong with it."),
    ),
    Reason(
        "too-long",
        _("The body is longer than this endpoint reads."),
        _("Ask for fewer evaluations, or report fewer items, at once; detail says how many bytes are read."),
    ),
    Reason(
        "report-id-in-use",
        _("Another report was sent under this id, so nothing of this one was taken."),
        _("Give each report an id of its own; send again unchanged what was not answered."),
    ),
    Reason(
        "unknown-account",
        _("No account of this name has reached the service."),
        _("Send the claim account of a token that the service itself was shown."),
    ),
    Reason(
        "invalid-member",
        _("A member of the body is missing, unknown, or not what it has to be."),
        _("Read errors: each entry points at a member and says what is wrong with it."),
    ),
    Reason(
        "content-type",
        _("The body is of a type that is not read here."),
        _("Send a JSON object with Content-Type: application/json."),
    ),
    Reason(
        "role",
        _("Your role in the account does not reach this."),
        _("Ask an owner of the account to do it, or to change your role."),
    ),
    Reason(
        "membership_ended",
        _("You are no longer a member of the account that the token manages."),
        _("Log in again and choose another account, or ask an owner to invite you."),
    ),
    Reason(
        "changed_meanwhile",
        _("It was changed since you read it: If-Match names an older version."),
        _("Read it again, decide anew, and send the new ETag."),
    ),
    Reason(
        "idempotency_in_progress",
        _("The first request with this Idempotency-Key is at work, or its answer cannot be read."),
        _("Wait as long as Retry-After says, then ask again with the same key."),
    ),
    Reason(
        "idempotency_key_reused",
        _("The Idempotency-Key came with another request within a day."),
        _("Use a new key for each new request."),
    ),
    Reason(
        "key_in_use",
        _("The key is registered already, or the agent has another with its kid."),
        _("Make a new key; every agent has its own."),
    ),
    Reason(
        "too_many_keys",
        _("An agent has at most two active keys."),
        _("Retire one, then add the next."),
    ),
    Reason(
        "too_many_agents",
        _("The account has as many agents as one may have."),
        _("Close those that are not used, or ask the operator."),
    ),
    Reason(
        "too_many_services",
        _("The account has as many services as one may have."),
        _("Ask the operator for room."),
    ),
    Reason(
        "audience_in_use",
        _("Another service has this audience."),
        _("Use the URI of your own service; if somebody took it, tell the operator."),
    ),
    Reason(
        "feed-elsewhere",
        _("The feed was asked of a process that does not serve it."),
        _("Tell the operator: /v1/events belongs to the ASGI process."),
    ),
    Reason(
        "historical-status",
        _("A status list of another time was asked for; only the present one is kept."),
        _("Leave the parameter time out."),
    ),
    Reason(
        "not-acceptable",
        _("Status lists come in one media type only."),
        _("Accept application/statuslist+jwt."),
    ),
    Reason(
        "unknown-status-list",
        _("No status list has this number."),
        _("Take the URI from the status claim of the token, or from /status."),
    ),
    Reason(
        "not-yet",
        _("The status list exists, but is not signed yet."),
        _("Wait as long as Retry-After says."),
    ),
    Reason(
        "http-400",
        _("The request is malformed before any endpoint could read it."),
        _("Read detail; check the headers and the encoding of the path."),
    ),
    Reason(
        "http-403",
        _("Whoever asks may not do this."),
        _("Sign in as somebody whose role includes it."),
    ),
    Reason(
        "http-404",
        _("There is nothing at this address, or it is not yours to see."),
        _("Compare the address with the server's metadata."),
    ),
    Reason(
        "http-429",
        _("Too many tries in a short time."),
        _("Wait as long as Retry-After says."),
    ),
    Reason(
        "http-500",
        _("Something broke on the side of this server."),
        _("Try again; if it stays, give request_id to the operator."),
    ),
    Reason(
        "http-503",
        _("A part of this server is paused or away."),
        _("Wait as long as Retry-After says."),
    ),
)

SERVICE_REASONS: Final = (
    Reason(
        "missing",
        _("The service asks for an access token, and none came."),
        _("Send Authorization: DPoP with the token, and a DPoP proof for this request."),
    ),
    Reason(
        "insufficient_scope",
        _("The access token does not reach this."),
        _("Exchange the passport for a token with the scope that WWW-Authenticate names."),
    ),
    Reason(
        "agent_denied",
        _("The agent, or one that acts in the token's chain, is suspended or revoked."),
        _("Its owner finds the reason in the portal."),
    ),
    Reason(
        "agent_unknown",
        _("The issuer knows no agent of this name for the service."),
        _("Get a new passport; compare the issuer of the agent with that of the service."),
    ),
    Reason(
        "status_invalid",
        _("The token points at no place in a status list of its issuer."),
        _("Exchange the passport for a new access token."),
    ),
    Reason(
        "status_unavailable",
        _("The service was cut off from the issuer for longer than it may trust what it knew."),
        _("Wait as long as Retry-After says; the service's operator sees the lag of its feed."),
    ),
)
