"""The one staff door: workflow pages by ``get_urls``, records by ModelAdmin, one sign-in, one check."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path
from django.utils.translation import gettext

from accounts.people import factors
from accounts.people.models import User
from accounts.portal.access import ask_for_factor, may_enter_console
from passport.safety.read_only import Record


class ConsoleSite(AdminSite):
    site_header = "Agent Passport"
    site_title = "Trust and safety"
    index_title = "Records"
    site_url = None
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        return may_enter_console(request)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Where the admin sends those whom ``has_permission`` refused: on to where it can become yes."""
        user = request.user
        if not isinstance(user, User):
            return redirect_to_login(request.get_full_path())
        if not user.is_staff:
            raise Http404("no such page")
        if factors.shown_at(request, user) is None:
            return ask_for_factor(request, user)
        raise PermissionDenied(gettext("You are in no group of the console. Ask an operator."))

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Only our own record pages: those that packages bring along could change and delete rows."""
        if admin_class is not None and issubclass(admin_class, Record):
            super().register(model_or_iterable, admin_class, **options)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        # Imported late: the pages import models, and this module is read before they exist.
        from passport.safety.pages import PAGES

        return [*PAGES, path("records/", include([one for one in super().get_urls() if _is_ours(one)]))]


def _is_ours(pattern: URLPattern | URLResolver) -> bool:
    """Passwords are changed in one place, where a second factor is asked for."""
    return getattr(pattern, "name", "") not in {"password_change", "password_change_done"}
