"""What every record page has in common: it shows, to those who may read, and takes nothing."""

from typing import Any, ClassVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.text import capfirst

from accounts.portal.access import groups_of

COUNTED = 10_000

READERS = frozenset({"analyst", "approver", "auditor"})


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than one row beyond COUNTED: nobody pages that far, and the count reads every row."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list[: COUNTED + 1]
        return rows.count() if isinstance(rows, QuerySet) else len(rows)


class Record[M: Model](admin.ModelAdmin):  # type: ignore[type-arg]
    """Read-only: no form of it can be sent. Nothing counts all rows of a big table."""

    readers: ClassVar[frozenset[str]] = READERS
    paginator = BoundedPaginator
    show_full_result_count = False
    list_max_show_all = 0
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    actions = None

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        title = capfirst(str(self.opts.verbose_name_plural))
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        title = capfirst(str(self.opts.verbose_name))
        return super().change_view(request, object_id, form_url, {"title": title, **(extra_context or {})})

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
