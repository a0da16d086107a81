"""What every record page has in common: it shows, to those who may read, and takes nothing."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from accounts.portal.access import groups_of

READERS = frozenset({"analyst", "approver", "auditor"})


class Record[M: Model](admin.ModelAdmin):  # type: ignore[type-arg]
    """Read-only: no form of it can be sent. Nothing counts all rows of a big table."""

    readers: ClassVar[frozenset[str]] = READERS
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.readers & groups_of(request.user))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)
