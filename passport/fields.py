"""What several tables of this app share. Migrations may name it: it may never move."""

from django.db import models


class Effect(models.IntegerChoices):
    """What a restriction does, weakest first: the state of a credential is a maximum."""

    NONE = 0, "None"
    THROTTLE = 1, "Throttled"
    SUSPEND = 2, "Suspended"
    REVOKE = 3, "Revoked"


def effect_field() -> "models.PositiveSmallIntegerField[int, int]":
    """The strongest active effect of the row's own restrictions; others' are not in it."""
    return models.PositiveSmallIntegerField(choices=Effect.choices, default=Effect.NONE)
