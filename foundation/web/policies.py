"""The content policy of single pages that differ from the rule in the settings."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpResponseBase
from django.views.decorators.csp import csp_override


def may_submit_to(
    *origins: str,
) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Decorate a view whose form ends at ``origins``: browsers check redirects after a POST as well."""
    policy = policy_for(*origins)
    return csp_override(policy)


def allow_form_target[R: HttpResponseBase](response: R, url: str) -> R:
    """The same for one response whose target is known only now, such as a client's redirect URI."""
    response._csp_config = policy_for(url)  # type: ignore[attr-defined]
    return response


def policy_for(*urls: str) -> dict[str, list[str]]:
    """The rule of the settings with the origins of ``urls`` among the targets of forms."""
    policy: dict[str, Any] = dict(settings.SECURE_CSP)
    policy["form-action"] = [*policy["form-action"], *map(origin_of, urls)]
    return policy


def origin_of(url: str) -> str:
    """Scheme, host and port of ``url``; for schemes of applications the scheme alone. Raises ValueError."""
    parts = urlsplit(url)
    if not parts.scheme:
        raise ValueError("not an absolute URL")
    if parts.scheme in {"http", "https"} and parts.hostname:
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")
    return f"{parts.scheme}:"
