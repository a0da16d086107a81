"""Connections to Redis for the one command of a request: taken, used, put back, and nothing around it.

redis-py's client wraps each command in retries, events and locks, which cost more than the command.
Its connections are used as they are: they know addresses, sockets, passwords and TLS.
"""

import os
from typing import Any

import hiredis
import redis
from redis.exceptions import NoScriptError, RedisError


class KeptConnections:
    """As many as there are threads that ask at once. No child of a fork uses its parent's."""

    def __init__(self, client: redis.Redis) -> None:
        self._pool = client.connection_pool
        self._free: list[Any] = []
        os.register_at_fork(after_in_child=self._free.clear)

    def run(self, *words: bytes | str | int) -> Any:
        """The answer to one command. Raises RedisError; nothing is ever sent twice.

        After an error the connection begins anew: nobody knows what comes next on it. Only an unknown
        script is an answer like any other.
        """
        try:
            connection = self._free.pop()
        except IndexError:
            connection = self._pool.make_connection()
        try:
            _open(connection)
            connection.send_packed_command([_packed(words)], check_health=False)
            return connection.read_response()
        except NoScriptError:
            raise
        except BaseException:
            connection.disconnect()
            raise
        finally:
            self._free.append(connection)


def _open(connection: Any) -> None:
    """Open it; anew where the server has closed it meanwhile."""
    connection.connect()
    try:
        stale = connection.can_read()
    except (RedisError, OSError):
        stale = True
    if stale:
        connection.disconnect()
        connection.connect()


def _packed(words: tuple[bytes | str | int, ...]) -> bytes:
    # hiredis' stub says a tuple of one; it takes any number.
    packed: bytes = hiredis.pack_command(words)  # type: ignore[arg-type]
    return packed
