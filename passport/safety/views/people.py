"""Who is at work in the console, as the ledger names them, and in which environment they look."""

from django.http import HttpRequest

from accounts.linkage.models import Environment
from accounts.people.models import User


def actor_of(request: HttpRequest) -> str:
    """``user:usr_01J…`` of the person who is signed in."""
    if not isinstance(request.user, User):
        raise TypeError("a page of the console was reached without a person")
    return f"user:{request.user.pk}"


def environment_of(request: HttpRequest) -> str:
    """The environment that the query string names; live when it names none."""
    asked = request.GET.get("environment", "")
    return asked if asked in Environment.values else Environment.LIVE.value
