"""Template tags of the console: ``{% load safety %}``."""

from collections.abc import Mapping

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.linkage.weigh import NOUNS
from foundation.ledger.models import Entry
from passport.fields import Effect
from passport.safety.words import say_actor, say_entry, say_reason

register = template.Library()

EFFECT_WORDS = {
    Effect.NONE: "active",
    Effect.THROTTLE: "throttled",
    Effect.SUSPEND: "suspended",
    Effect.REVOKE: "revoked",
}

ACTS = {Effect.THROTTLE: _("Throttle"), Effect.SUSPEND: _("Suspend"), Effect.REVOKE: _("Revoke")}

register.filter("reason", say_reason)
register.filter("actor", say_actor)


@register.filter
def happening(entry: Entry) -> str:
    """What an entry of the ledger records."""
    return say_entry(entry)


@register.filter
def noun(kind: str) -> str:
    """A kind of signal in words."""
    return NOUNS.get(kind, kind.replace("_", " "))


@register.filter
def effect(value: int) -> str:
    """The state that an effect puts something in: the word that the status tag takes."""
    return EFFECT_WORDS[Effect(value)]


@register.filter
def act(value: int) -> Promise:
    """An effect as what is done: ``Suspend``."""
    return ACTS[Effect(value)]


@register.filter
def percent(share: float) -> str:
    return f"{round(share * 100)} %"


@register.filter
def sha256(entry: Entry) -> str:
    """The digest of an entry: its leaf in the tree."""
    return bytes(entry.digest).hex()


@register.filter
def item(mapping: Mapping[str, object], key: str) -> object:
    """An item of a mapping by a key that the template computed; empty where there is none."""
    return mapping.get(key, "")
