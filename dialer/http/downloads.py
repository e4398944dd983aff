"""A file as the answer to a request."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from aiohttp import web

from dialer.http.uploads import CHUNK_BYTES

_NOT_IN_A_FILE_NAME = re.compile(r"[^\w.-]+")


async def send_file(request: web.Request, path: Path, name: str) -> web.StreamResponse:
    """The file as a download called `name`. All of it is sent when this returns: the caller may
    remove it then."""
    ascii_name = _NOT_IN_A_FILE_NAME.sub("_", name.encode("ascii", "replace").decode())
    reply = web.StreamResponse(
        headers={
            "Content-Type": "application/octet-stream",
            "Content-Disposition": f'attachment; filename="{ascii_name}"',
        }
    )
    await reply.prepare(request)
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            await reply.write(chunk)
    await reply.write_eof()
    return reply
