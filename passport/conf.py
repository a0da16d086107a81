"""Settings of this app, read in one place; functions take them as parameters."""

from django.conf import settings


def issuer() -> str:
    """The origin in ``iss``; every URL that we publish or compare is built from it, never from ``Host``."""
    return str(settings.ISSUER)
