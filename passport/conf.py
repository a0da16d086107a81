"""Settings of this app, read in one place; functions take them as parameters."""

from datetime import timedelta

from django.conf import settings


def issuer() -> str:
    """The origin in ``iss``; every URL that we publish or compare is built from it, never from ``Host``."""
    return str(settings.ISSUER)


def admission_redis_url() -> str:
    """Empty in the embedded default: then admission is decided in process."""
    return str(settings.ADMISSION_REDIS_URL)


def database_share() -> float:
    """The part of each limit that the database gives while Redis is gone."""
    return int(settings.ADMISSION_DATABASE_SHARE_PERCENT) / 100


def organisation_most() -> int:
    """How many times its largest member's budget an organisation cluster may have, at most."""
    return int(settings.ORGANISATION_BUDGET_MOST)


def code_life() -> timedelta:
    """Of an authorization code."""
    return timedelta(seconds=int(settings.AUTHORIZATION_CODE_SECONDS))


def refresh_life() -> timedelta:
    """Of a refresh token that nobody uses."""
    return timedelta(seconds=int(settings.REFRESH_TOKEN_SECONDS))


def repeat_window() -> timedelta:
    """How long a rotated refresh token may be repeated by the key it is bound to: its answer was lost."""
    return timedelta(seconds=int(settings.REFRESH_TOKEN_REPEAT_SECONDS))


def open_registration() -> bool:
    """Whether clients may register for nobody's account."""
    return bool(settings.OPEN_REGISTRATION)


def open_clients_most() -> int:
    """How many openly registered clients may wait unused."""
    return int(settings.OPEN_CLIENTS_MOST)


def agents_most() -> int:
    """How many agents an account may have for another to register itself."""
    return int(settings.AGENTS_MOST)


def actor_depth() -> int:
    """How many may act in one chain, one for the other."""
    return int(settings.ACTOR_DEPTH)


def policy_url() -> str:
    """How the operator uses what it learns of clients and people; empty: nothing is said."""
    return str(settings.POLICY_URL)


def terms_url() -> str:
    """The operator's terms of service; empty: nothing is said."""
    return str(settings.TERMS_URL)


def documentation_url() -> str:
    """For developers; empty: our own page of refusals and their meaning."""
    return str(settings.DOCUMENTATION_URL)
