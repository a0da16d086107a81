"""What each outcome means to the owner of an agent, and what to do about it."""

from typing import Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Words(NamedTuple):
    name: str | Promise
    why: str | Promise
    cure: str | Promise


WORDS: Final = {
    "allowed": Words(_("Allowed"), _("The service did what it was asked."), ""),
    "failed": Words(
        _("Failed at the service"),
        _("The call was let through, and the service could not answer."),
        _("Try again later; if it stays, ask the service."),
    ),
    "over_limit": Words(
        _("Over the limit"),
        _("The agent or the account used up what the service gives in a window."),
        _("Wait as long as Retry-After says, spread the calls, or ask the service for a higher limit."),
    ),
    "lacks_scope": Words(
        _("Scope missing"),
        _("The token did not carry the scope that the call needs."),
        _("Ask for the scope on the agent's page, then exchange the passport for a new token."),
    ),
    "restricted": Words(
        _("Suspended or revoked"),
        _("The agent, its passport or the account is restricted."),
        _("Read the notices: they say why, until when, and how to appeal."),
    ),
    "bad_proof": Words(
        _("Proof refused"),
        _("The DPoP proof did not fit: wrong key, used before, another address, or a wrong clock."),
        _("Use the SDK, one key file for each agent, and a clock that is right to 30 seconds."),
    ),
    "other": Words(
        _("Refused for another reason"),
        _("The token could not be taken: expired, malformed, or the state of it was not known."),
        _("Exchange the passport for a new token; run agent-passport doctor."),
    ),
}
