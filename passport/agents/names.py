"""What may stand in a name that other people will read on a page or in a token."""

import unicodedata

MARKUP = frozenset("<>")
BANNED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Controls, format characters (bidirectional and invisible ones), surrogates, private use, unassigned,
and the line breaks that are not controls."""
JOINERS = frozenset("\u200c\u200d")
"""Needed to spell in several scripts, and for emoji of several signs."""


class BadName(ValueError):
    """The message may be shown to whoever chose the name."""


def clean_name(value: str, *, most: int, label: str = "the name", required: bool = True) -> str:
    """The name in Unicode form NFC, without space around it. Raises BadName (refusal DCR-10)."""
    name = unicodedata.normalize("NFC", value).strip()
    if not name and required:
        raise BadName(f"{label} is empty")
    if len(name) > most:
        raise BadName(f"{label} has more than {most} characters")
    for character in name:
        if character in MARKUP:
            raise BadName(f"{label} must not contain < or >")
        if unicodedata.category(character) in BANNED_CATEGORIES and character not in JOINERS:
            raise BadName(f"{label} has a character that cannot be seen or turns the text around")
    return name
