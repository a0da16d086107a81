"""Answers that are written while they are read, under either kind of server."""

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse


def stream(
    request: HttpRequest, chunks: Iterator[str], *, content_type: str, filename: str
) -> StreamingHttpResponse:
    """A download that is never in memory as a whole."""
    content = _alternately(chunks) if isinstance(request, ASGIRequest) else chunks
    headers = {
        "Cache-Control": "private, no-store",
        "Content-Disposition": f'attachment; filename="{filename}"',
    }
    return StreamingHttpResponse(content, content_type=content_type, headers=headers)


async def _alternately(chunks: Iterator[str]) -> AsyncIterator[str]:
    """Each chunk is made in the thread that has the database."""
    following = sync_to_async(lambda: next(chunks, None))
    while (chunk := await following()) is not None:
        yield chunk
