"""Routes of lists: upload, look, health, export."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

from aiohttp import web

from campaigns.export.model import Filters, Format, parse_attributes
from campaigns.export.service import ExportService
from campaigns.list_health.service import ListHealthService
from campaigns.lists.columns import parse_mapping
from campaigns.lists.errors import ListError
from campaigns.lists.model import DAYS_LIMIT, Order, on_duplicate_of
from campaigns.lists.service import ListService
from campaigns.refusals import wanted_language
from dialer.database.pool import Pool
from dialer.http.answers import actor_of, json_answer, may_take
from dialer.http.downloads import send_file
from dialer.http.uploads import pieces
from monitoring.reports.period import limits

UPLOAD_BYTES = 2 << 30
IMPORT_LIMIT_S = 1800.0


@dataclass(frozen=True)
class ListsOfFloor:
    """What the routes need of the floor that is up."""

    pool: Pool
    floor_id: int
    floor: str
    phone_region: str
    zone: ZoneInfo


def routes(floor: Callable[[], ListsOfFloor]) -> Sequence[web.AbstractRouteDef]:
    """`floor` is asked at every request: it may not be up yet."""

    async def import_list(request: web.Request) -> web.StreamResponse:
        use, order = floor(), _order(request, floor().phone_region)
        with tempfile.TemporaryFile(prefix="prozvon-") as file:
            await _receive(request, file)
            result = await ListService(use.pool).import_stream(
                file, floor=use.floor, source=request.query.get("file", "upload"), order=order
            )
        language = wanted_language(request.headers.get("Accept-Language", ""))
        return json_answer(result.shown(language))

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
        # When leads were last dialed, by the floor's clocks.
        since, until = limits(query.get("from"), query.get("to"), floor().zone, datetime.now(UTC))
        kind: Format = "xlsx" if query.get("format") == "xlsx" else "csv"
        filters = Filters(
            list=name,
            campaign=query.get("campaign"),
            status=query.get("status"),
            outcome=query.get("outcome"),
            disposition=query.get("disposition"),
            since=since,
            until=until,
            attributes=parse_attributes(query.getall("attribute", [])),
        )
        service = ExportService(floor().pool, floor().floor_id)
        with tempfile.TemporaryDirectory(prefix="prozvon-") as folder:
            path = Path(folder) / f"export.{kind}"
            await service.export(
                path, kind, filters, actor=actor_of(request), reveal=_flag(request, "reveal")
            )
            return await send_file(request, path, f"{name}.{kind}")

    return (
        web.get("/api/lists", lists),
        web.get("/api/list-mappings", mappings),
        web.post("/api/lists/{name}/import", may_take(IMPORT_LIMIT_S)(import_list)),
        web.get("/api/lists/{name}/health", may_take(IMPORT_LIMIT_S)(health)),
        web.get("/api/lists/{name}/export", may_take(IMPORT_LIMIT_S)(export)),
    )


def _order(request: web.Request, region: str) -> Order:
    query = request.query
    days = query.get("duplicates_days")
    if days is not None and not (days.isascii() and days.isdecimal() and len(days) < 10):
        raise ListError("bad_days", most=DAYS_LIMIT)
    return Order(
        name=request.match_info["name"],
        region=region,
        sheet=query.get("sheet"),
        mapping=parse_mapping(query.getall("map", [])),
        saved_mapping=query.get("mapping"),
        save_mapping=query.get("save_mapping"),
        campaign=query.get("duplicates_in"),
        days=None if days is None else int(days),
        on_duplicate=on_duplicate_of(query.get("on_duplicate", "skip")),
        dry_run=_flag(request, "dry_run"),
        actor=actor_of(request),
    )


def _flag(request: web.Request, name: str) -> bool:
    return request.query.get(name, "").lower() in ("1", "true", "yes")


async def _receive(request: web.Request, file: BinaryIO) -> None:
    """The body, piece by piece, into a file that is gone when it is closed."""
    async for chunk in pieces(request, UPLOAD_BYTES):
        await asyncio.to_thread(file.write, chunk)
