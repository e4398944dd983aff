"""Routes of lists: upload, look, health, export."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from aiohttp import web

from campaigns.export.model import Filters, Format, parse_attributes
from campaigns.export.service import ExportService
from campaigns.list_health.service import ListHealthService
from campaigns.lists.columns import parse_mapping
from campaigns.lists.errors import ListError, ListFileError
from campaigns.lists.model import OnDuplicate, Order
from campaigns.lists.service import ListService
from dialer.database.pool import Pool
from dialer.http.answers import json_answer, may_take, problem

ACTOR = "api"
UPLOAD_BYTES = 2 << 30
CHUNK_BYTES = 1 << 20
IMPORT_LIMIT_S = 1800.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_NOT_IN_A_FILE_NAME = re.compile(r"[^\w.-]+")


@dataclass(frozen=True)
class ListsOfFloor:
    """What the routes need of the floor that is up."""

    pool: Pool
    floor_id: int
    floor: str
    phone_region: str


class _BadRequestError(Exception):
    """A parameter that cannot be read; the text says which and how."""


def routes(floor: Callable[[], ListsOfFloor]) -> Sequence[web.AbstractRouteDef]:
    """`floor` is asked at every request: it may not be up yet."""

    async def import_list(request: web.Request) -> web.StreamResponse:
        use, order = floor(), _order(request, floor().phone_region)
        with tempfile.TemporaryFile(prefix="prozvon-") as file:
            await _receive(request, file)
            result = await ListService(use.pool).import_stream(
                file, floor=use.floor, source=request.query.get("file", "upload"), order=order
            )
        return json_answer(asdict(result))

    async def lists(request: web.Request) -> web.StreamResponse:
        return json_answer(
            [asdict(one) for one in await ListService(floor().pool).lists(floor().floor)]
        )

    async def mappings(request: web.Request) -> web.StreamResponse:
        saved = await ListService(floor().pool).mappings(floor().floor)
        return json_answer([asdict(one) for one in saved])

    async def health(request: web.Request) -> web.StreamResponse:
        service = ListHealthService(floor().pool, floor().floor_id)
        return json_answer(asdict(await service.health(request.match_info["name"])))

    async def export(request: web.Request) -> web.StreamResponse:
        query, name = request.query, request.match_info["name"]
        kind: Format = "xlsx" if query.get("format") == "xlsx" else "csv"
        filters = Filters(
            list=name,
            campaign=query.get("campaign"),
            status=query.get("status"),
            outcome=query.get("outcome"),
            disposition=query.get("disposition"),
            attributes=parse_attributes(query.getall("attribute", [])),
        )
        service = ExportService(floor().pool, floor().floor_id)
        with tempfile.TemporaryDirectory(prefix="prozvon-") as folder:
            path = Path(folder) / f"export.{kind}"
            await service.export(path, kind, filters, actor=ACTOR, reveal=_flag(request, "reveal"))
            return await _send(request, path, f"{name}.{kind}")

    return (
        web.get("/api/lists", _explained(lists)),
        web.get("/api/list-mappings", _explained(mappings)),
        web.post("/api/lists/{name}/import", may_take(IMPORT_LIMIT_S)(_explained(import_list))),
        web.get("/api/lists/{name}/health", may_take(IMPORT_LIMIT_S)(_explained(health))),
        web.get("/api/lists/{name}/export", may_take(IMPORT_LIMIT_S)(_explained(export))),
    )


def _explained(handler: Handler) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except ListFileError as error:
            return problem(422, "bad_file", str(error))
        except ListError as error:
            return problem(422, "bad_list", str(error))
        except _BadRequestError as error:
            return problem(422, "bad_value", str(error))

    return answer


def _order(request: web.Request, region: str) -> Order:
    query = request.query
    on_duplicate: OnDuplicate
    match query.get("on_duplicate", "skip"):
        case "skip" | "update" | "add" as on_duplicate:
            pass
        case _:
            raise _BadRequestError("on_duplicate is one of skip, update, add")
    days = query.get("duplicates_days")
    if days is not None and not days.isdecimal():
        raise _BadRequestError("duplicates_days is a whole number of days")
    return Order(
        name=request.match_info["name"],
        region=region,
        sheet=query.get("sheet"),
        mapping=parse_mapping(query.getall("map", [])),
        saved_mapping=query.get("mapping"),
        save_mapping=query.get("save_mapping"),
        campaign=query.get("duplicates_in"),
        days=None if days is None else int(days),
        on_duplicate=on_duplicate,
        dry_run=_flag(request, "dry_run"),
    )


def _flag(request: web.Request, name: str) -> bool:
    return request.query.get(name, "").lower() in ("1", "true", "yes")


async def _receive(request: web.Request, file: BinaryIO) -> None:
    """The body, piece by piece, into a file that is gone when it is closed."""
    size = 0
    async for chunk in request.content.iter_chunked(CHUNK_BYTES):
        size += len(chunk)
        if size > UPLOAD_BYTES:
            raise ListFileError(f"an upload has at most {UPLOAD_BYTES >> 30} GiB; split the list")
        await asyncio.to_thread(file.write, chunk)


async def _send(request: web.Request, path: Path, name: str) -> web.StreamResponse:
    """The file as a download. Sent here, because it is gone when the handler ends."""
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
