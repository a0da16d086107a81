"""One connection of the feed: greets, catches up, then follows the ring."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connections

from foundation import clock
from passport.conf import issuer
from passport.events import frames
from passport.events.feed import Feed, Subscriber, history
from passport.events.translate import Gap
from passport.status.sign import list_numbers, list_uri

TICK_SECONDS = 0.5
RETRY_MS = (500, 3_000)
"""Drawn for each connection: after a restart they do not all come back at once."""
LIFE_SECONDS = (600.0, 900.0)
"""A connection ends after this, so that a service whose access was taken away loses the feed too."""

FEED = Feed(issuer)
"""One of each process."""
DRAW = random.SystemRandom()


async def follow(feed: Feed, after: int | None) -> AsyncIterator[bytes]:
    """The frames of one connection; ``after`` is the last position the reader has, None for a new one."""
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + DRAW.uniform(*LIFE_SECONDS)
    subscriber, position = await in_thread(feed.join, loop)
    try:
        yield frames.retry(DRAW.randint(*RETRY_MS))
        lists = [list_uri(issuer(), number) for number in await in_thread(list_numbers)]
        yield frames.hello(position, lists)
        denied_at, denied = await in_thread(feed.denied)
        yield denied
        if after is not None:
            yield await in_thread(_missed, after, position, denied_at)
        while loop.time() < ends_at:
            told = await _next(feed, subscriber, denied_at)
            if told is None:
                return
            if told:
                yield told
    finally:
        feed.leave(subscriber)


async def _next(feed: Feed, subscriber: Subscriber, denied_at: int) -> bytes | None:
    """What is to be said next, or a tick when nothing is. None: too slow, cut."""
    items = feed.take(subscriber)
    if items is None:
        return None
    told = b"".join(item.frames if item.position > denied_at else item.without_denied for item in items)
    if told:
        return told
    try:
        await asyncio.wait_for(subscriber.woken.wait(), TICK_SECONDS)
    except TimeoutError:
        position = feed.position
        if feed.is_alive and not subscriber.woken.is_set():
            return frames.tick(position, int(clock.now().timestamp()))
    return b""


def _missed(after: int, up_to: int, denied_at: int) -> bytes:
    try:
        items = list(history(after, up_to, issuer()))
    except Gap:
        return frames.reload(up_to)
    return b"".join(item.frames if item.position > denied_at else item.without_denied for item in items)


async def in_thread(function: Callable[..., Any], *arguments: object) -> Any:
    """Run a function that reads the database, and give the connection back."""

    def run() -> Any:
        try:
            return function(*arguments)
        finally:
            connections.close_all()

    return await sync_to_async(run, thread_sensitive=False)()
