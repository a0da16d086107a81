"""Whether this process lives, and whether it can serve. Nothing else is told to strangers."""

from collections.abc import Callable

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

READY: dict[str, Callable[[], bool]] = {}
"""Checks by name; upper apps add theirs. Each answers at once, or raises."""


def ready_check[F: Callable[[], bool]](name: str) -> Callable[[F], F]:
    """Declare that a process is ready only while ``check()`` holds."""

    def register(check: F) -> F:
        READY[name] = check
        return check

    return register


@ready_check("database")
def database_answers() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone() is not None


class Migrations:
    """Whether the tables are as this code expects them. True once stays true for the process."""

    def __init__(self) -> None:
        self.done = False

    def __call__(self) -> bool:
        if not self.done:
            executor = MigrationExecutor(connection)
            self.done = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        return self.done


ready_check("migrations")(Migrations())


@never_cache
@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    failed = [name for name, check in READY.items() if not _holds(check)]
    return JsonResponse({"ready": not failed}, status=503 if failed else 200)


def _holds(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (DatabaseError, OSError):
        return False
