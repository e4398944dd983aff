"""A file as the body of a request, piece by piece: it may be longer than other bodies."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from dialer.refusal import Refusal

CHUNK_BYTES = 1 << 20


async def pieces(request: web.Request, most_bytes: int) -> AsyncIterator[bytes]:
    """The body in pieces of 1 MiB at most. Raises Refusal `long_file` (413) past `most_bytes`."""
    size = 0
    async for chunk in request.content.iter_chunked(CHUNK_BYTES):
        size += len(chunk)
        if size > most_bytes:
            raise Refusal(
                "long_file",
                413,
                f"a file has at most {most_bytes >> 20} MiB; split it",
                f"в файле не больше {most_bytes >> 20} МиБ; разделите его",
            )
        yield chunk
