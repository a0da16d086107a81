"""The template tags of every page: ``{% load parts %}``.

What they look like is said in static/ap/parts.css; what they hold in templates/web/parts/.
"""

from datetime import datetime
from typing import Any, NamedTuple

import lucide
from django import template
from django.forms import BoundField, Form
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext

from foundation import clock

register = template.Library()


class Look(NamedTuple):
    tone: str
    icon: str


GOOD = Look("good", "check")
OPEN = Look("open", "ellipsis")
LESS = Look("less", "arrow-down-to-line")
HELD = Look("held", "pause")
FINAL = Look("final", "x")
OVER = Look("over", "clock")

WORDS: dict[Look, str] = {
    GOOD: "valid active allowed verified passed done granted approved confirmed delivered works on ok live",
    OPEN: "pending next open processing review draft previewed awaiting_approval requested running undoing "
    "invited new retiring waiting asked linked",
    LESS: "throttled degraded limited approximate",
    HELD: "suspended paused held warned synchronous",
    FINAL: "revoked refused failed final leaked away denied invalid forged overturned reversed",
    OVER: "expired closed cancelled canceled lapsed retired undone ended dismissed lifted redacted none off "
    "unknown candidate",
}
LOOKS = {word: look for look, words in WORDS.items() for word in words.split()}
SHORT_HEAD, SHORT_TAIL = 12, 6


@register.simple_tag
def icon(name: str) -> SafeString:
    """An inline drawing beside a word that says the same; hidden from screen readers."""
    drawing = lucide._render_icon(str(name), 16, **{"class": "icon", "aria_hidden": "true"})
    return mark_safe(drawing)  # noqa: S308 (drawn from the package's own files)


@register.inclusion_tag("web/parts/status.html")
def status(word: str, label: str = "") -> dict[str, str]:
    """Word, icon and colour of a state; ``label`` says it in other words. An unknown word looks ended."""
    look = LOOKS.get(str(word).lower().replace(" ", "_"), OVER)
    said = label or str(word).replace("_", " ").capitalize()
    return {"tone": look.tone, "icon_name": look.icon, "label": gettext(said)}


STEPS = ((365 * 86400, "year"), (30 * 86400, "month"), (86400, "day"), (3600, "hour"), (60, "minute"))


def relative(moment: datetime, now: datetime) -> str:
    """``3 minutes ago``, ``in 2 days``, ``just now`` (below a minute either way)."""
    seconds = (now - moment).total_seconds()
    for size, unit in STEPS:
        count = int(abs(seconds) // size)
        if count:
            words = f"{count} {ngettext(unit, unit + 's', count)}"
            return gettext("%s ago") % words if seconds > 0 else gettext("in %s") % words
    return gettext("just now")


def exact(moment: datetime) -> str:
    """``24 Nov 2026, 03:57:41 UTC``."""
    return f"{moment.day} {moment:%b %Y, %H:%M:%S} UTC"


@register.inclusion_tag("web/parts/when.html")
def when(moment: datetime | None) -> dict[str, str]:
    """How long ago or until, and the exact moment in UTC beneath it."""
    if moment is None:
        return {"iso": "", "relative": gettext("never"), "exact": ""}
    return {"iso": moment.isoformat(), "relative": relative(moment, clock.now()), "exact": exact(moment)}


def shorten(value: str) -> str:
    """First 12 … last 6 characters."""
    if len(value) <= SHORT_HEAD + SHORT_TAIL + 1:
        return value
    return f"{value[:SHORT_HEAD]}…{value[-SHORT_TAIL:]}"


@register.inclusion_tag("web/parts/ident.html")
def ident(value: object) -> dict[str, str]:
    """An identifier, shortened, with a button that copies the whole."""
    return {"value": str(value), "short": shorten(str(value))}


@register.inclusion_tag("web/parts/copy.html")
def copy(text: object) -> dict[str, str]:
    """A button that copies ``text``; hidden without scripts."""
    return {"text": str(text)}


@register.simple_tag
def amount(number: float | None, unit: str = "") -> SafeString:
    """A number with grouped digits and its unit."""
    said = "–" if number is None else number_format(number, use_l10n=True, force_grouping=True)
    return format_html(
        '<span class="amount">{}{}</span>',
        said,
        format_html(' <span class="unit">{}</span>', unit) if unit else "",
    )


@register.simple_tag
def field(bound: BoundField) -> SafeString:
    """One form field: label above, hint, control, error."""
    return bound.as_field_group()


@register.inclusion_tag("web/form_errors.html")
def errors(form: Form) -> dict[str, Any]:
    """The summary of a form's errors; the browser moves its focus there."""
    return {"form": form}


@register.inclusion_tag("web/parts/empty.html")
def empty(title: str, text: str, url: str = "", action: str = "", icon_name: str = "inbox") -> dict[str, str]:
    """What belongs here, and the action that fills it."""
    return {"title": title, "text": text, "url": url, "action": action, "icon_name": icon_name}


@register.inclusion_tag("web/parts/pager.html")
def pager(page: object) -> dict[str, object]:
    """Links to the pages beside this one, of a ``foundation.web.paging.Page``."""
    return {"page": page}
