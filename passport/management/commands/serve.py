"""The embedded default: portal, console, endpoints, feed and jobs in one process on one port."""

import argparse
import asyncio
import os
import socket
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from foundation import clock
from foundation.jobs.embedded import EmbeddedWorkers
from foundation.web.handlers import asgi_application
from passport.admission import mode
from passport.signing.keys import ensure_keys

GRACE_SECONDS = 2
"""How long open streams may go on after Ctrl-C."""


class Command(BaseCommand):
    help = "Migrate, then serve everything on 127.0.0.1 (PORT, DATA_DIR) until Ctrl-C. For a first run."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="do not seed the demo")

    def handle(self, *args: Any, no_demo: bool, **options: Any) -> None:
        if not settings.EMBEDDED:
            raise CommandError(
                "serve is the embedded default's; docs/operators.md shows the production shape"
            )
        # Before anything is touched: the folder of a server that runs is not for a second one.
        listener = reserve_port(settings.PORT)
        migrate_if_needed()
        ensure_keys()
        mode.begin(clock.now())
        if not no_demo:
            call_command("demo", quiet=True)
        pid_file = settings.DATA_DIR / "serve.pid"
        pid_file.write_text(str(os.getpid()), encoding="ascii")
        workers = EmbeddedWorkers()
        workers.start()
        self.stdout.write(banner(with_demo=not no_demo))
        self.stdout.flush()
        try:
            asyncio.run(_serve(listener))
        finally:
            workers.stop()
            pid_file.unlink(missing_ok=True)


def migrate_if_needed() -> None:
    """The look costs a tenth of what ``migrate`` costs when there is nothing to do."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=0)


def reserve_port(port: int) -> socket.socket:
    """A socket on the loopback that nobody can connect to yet. Raises CommandError when the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as failure:
        listener.close()
        raise CommandError(f"port {port} is taken ({failure.strerror}); set PORT to a free one") from failure
    return listener


async def _serve(listener: socket.socket) -> None:
    server = uvicorn.Server(
        uvicorn.Config(
            asgi_application(),
            log_level="warning",
            lifespan="off",
            timeout_graceful_shutdown=GRACE_SECONDS,
            server_header=False,
        )
    )
    await server.serve(sockets=[listener])


def banner(*, with_demo: bool) -> str:
    lines = [
        "",
        f"Agent Passport is ready at {settings.ISSUER}",
        f"  data        {settings.DATA_DIR}",
        f"  mail        {settings.ISSUER}/dev/mail   (nothing is sent)",
        f"  console     {settings.ISSUER}/admin/",
        f"  metadata    {settings.ISSUER}/.well-known/oauth-authorization-server",
        "  embedded default: SQLite; limits are counted in process and start anew with it",
    ]
    if with_demo:
        lines += [
            "  sign-ins, services and agents of the demo:  make demo-data",
            "  the whole story:  make demo",
        ]
    return "\n".join([*lines, "  Ctrl-C stops it", ""])
