"""Routes of campaigns: make, edit, approve, start, stop, look, results."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

from campaigns.approval.model import Exemption
from campaigns.campaign import settings as registry
from campaigns.campaign.model import CampaignStatus, NewCampaign
from campaigns.campaign.service import CampaignService
from campaigns.campaign_file.model import CampaignFile, Format, flat, read, write
from campaigns.refusals import wanted_language
from campaigns.results.service import ResultsService
from dialer.database.pool import Pool
from dialer.http.answers import actor_of, body_of, json_answer, may_take, text_of
from dialer.http.downloads import send_file
from dialer.http.fields import whole_number
from dialer.refusal import Refusal
from monitoring.reports.period import limits

LONG_S = 600.0
MOST_VERSIONS = 2**31 - 1
Move = Callable[[CampaignService, str, str], Awaitable[CampaignStatus]]


@dataclass(frozen=True)
class CampaignsOfFloor:
    """What the routes need of the floor that is up. `trunks`: names that the settings have."""

    pool: Pool
    floor_id: int
    node: str
    trunks: tuple[str, ...]
    zone: ZoneInfo

    @property
    def service(self) -> CampaignService:
        return CampaignService(self.pool, self.floor_id, self.node)


def routes(floor: Callable[[], CampaignsOfFloor]) -> Sequence[web.AbstractRouteDef]:
    """`floor` is asked at every request: it may not be up yet (Refusal)."""
    return (*_looking(floor), *_making(floor), *_moving(floor))


def _looking(floor: Callable[[], CampaignsOfFloor]) -> Sequence[web.AbstractRouteDef]:
    async def campaigns(_: web.Request) -> web.Response:
        return json_answer([asdict(state) for state in await floor().service.status()])

    async def status(request: web.Request) -> web.Response:
        [state] = await floor().service.status(request.match_info["name"])
        return json_answer(asdict(state))

    async def settings(request: web.Request) -> web.Response:
        return json_answer(await floor().service.settings(request.match_info["name"]))

    async def versions(request: web.Request) -> web.Response:
        found = await floor().service.versions(request.match_info["name"])
        return json_answer([asdict(version) for version in found])

    async def diff(request: web.Request) -> web.Response:
        old = whole_number(request.query, "old", 1, MOST_VERSIONS)
        new = whole_number(request.query, "new", 0, MOST_VERSIONS) or None
        return json_answer(await floor().service.diff(request.match_info["name"], old, new))

    async def as_file(request: web.Request) -> web.Response:
        name, kind = request.match_info["name"], _kind(request)
        text = write(name, await floor().service.settings(name), kind)
        return web.Response(text=text, content_type=f"application/{kind}")

    async def keys(request: web.Request) -> web.Response:
        return json_answer(registry.described(_language(request)))

    async def results(request: web.Request) -> web.StreamResponse:
        return await _results(floor(), request)

    return (
        web.get("/api/campaigns", campaigns),
        web.get("/api/campaign-keys", keys),
        web.get("/api/campaigns/{name}", status),
        web.get("/api/campaigns/{name}/settings", settings),
        web.get("/api/campaigns/{name}/versions", versions),
        web.get("/api/campaigns/{name}/diff", diff),
        web.get("/api/campaigns/{name}/file", as_file),
        web.get("/api/campaigns/{name}/results", may_take(LONG_S)(results)),
    )


def _making(floor: Callable[[], CampaignsOfFloor]) -> Sequence[web.AbstractRouteDef]:
    async def create(request: web.Request) -> web.Response:
        """From a JSON object of settings with `name`, or a campaign's file (`?format=toml`)."""
        file = await _file(request) if "format" in request.query else None
        body = {} if file else await body_of(request)
        name = file.name if file else text_of(body, "name")
        given = file.settings if file else {k: v for k, v in body.items() if k != "name"}
        values = registry.read(dict(flat(given)))
        trunks, lists = values.pop("trunks", []), values.pop("lists", [])
        new = NewCampaign(
            name, tuple(lists), trunks[0] if trunks else "", values, tuple(trunks[1:])
        )
        made = await floor().service.create(new, actor_of(request))
        return json_answer({**asdict(made), "status": "draft"}, 201)

    async def clone(request: web.Request) -> web.Response:
        new_name = text_of(await body_of(request), "name")
        name = request.match_info["name"]
        made = await floor().service.clone(name, new_name, actor_of(request))
        return json_answer({**asdict(made), "status": "draft"}, 201)

    async def edit(request: web.Request) -> web.Response:
        """These settings alone."""
        return await _edited(request, dict(flat(await body_of(request))), whole=False)

    async def replace(request: web.Request) -> web.Response:
        """All settings, as a campaign's file says: what it leaves out becomes the default."""
        file = await _file(request)
        if file.name != request.match_info["name"]:
            raise Refusal(
                "bad_value",
                422,
                f"the file is the campaign {file.name!r}",
                f"в файле кампания {file.name!r}",
            )
        return await _edited(request, dict(file.settings), whole=True)

    async def _edited(request: web.Request, values: dict[str, Any], *, whole: bool) -> web.Response:
        version = whole_number(request.query, "version", 0, MOST_VERSIONS) or None
        edited = await floor().service.edit(
            request.match_info["name"], values, actor_of(request), version=version, whole=whole
        )
        return json_answer(asdict(edited))

    return (
        web.post("/api/campaigns", may_take(LONG_S)(create)),
        web.post("/api/campaigns/{name}/clone", may_take(LONG_S)(clone)),
        web.patch("/api/campaigns/{name}/settings", may_take(LONG_S)(edit)),
        web.put("/api/campaigns/{name}/file", may_take(LONG_S)(replace)),
    )


def _moving(floor: Callable[[], CampaignsOfFloor]) -> Sequence[web.AbstractRouteDef]:
    def route(verb: str, move: Move) -> web.AbstractRouteDef:
        async def moved(request: web.Request) -> web.Response:
            name = request.match_info["name"]
            status = await move(floor().service, name, actor_of(request))
            return json_answer({"name": name, "status": status})

        return web.post(f"/api/campaigns/{{name}}/{verb}", moved)

    async def approve(request: web.Request) -> web.Response:
        name, body = request.match_info["name"], await body_of(request)
        status = await floor().service.approve(name, actor_of(request), _exceptions(body))
        return json_answer({"name": name, "status": status})

    return (
        web.post("/api/campaigns/{name}/approve", approve),
        route("withdraw", lambda service, name, actor: service.withdraw(name, actor)),
        route("start", lambda service, name, actor: service.start(name, actor, floor().trunks)),
        route("pause", lambda service, name, actor: service.pause(name, actor)),
        route("resume", lambda service, name, actor: service.resume(name, actor, floor().trunks)),
        route("finish", lambda service, name, actor: service.finish(name, actor)),
        route("reopen", lambda service, name, actor: service.reopen(name, actor)),
        route("archive", lambda service, name, actor: service.archive(name, actor)),
    )


def _exceptions(body: dict[str, Any]) -> list[Exemption]:
    """Moratoria that are lifted, each by name and with a reason. Raises Refusal."""
    given = body.get("exceptions", [])
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise Refusal(
            "bad_exception",
            422,
            "exceptions is a list of objects with moratorium, by, reason",
            "exceptions: список объектов с moratorium, by, reason",
        )
    return [
        Exemption(text_of(one, "moratorium"), text_of(one, "by"), text_of(one, "reason"))
        for one in given
    ]


async def _file(request: web.Request) -> CampaignFile:
    """The campaign's file in the body. Raises FileError with line and column."""
    data = await request.read()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refusal("bad_syntax", 422, "the body is not UTF-8", "тело запроса не UTF-8") from None
    return read(text, _kind(request), "file")


def _kind(request: web.Request) -> Format:
    match request.query.get("format", "toml"):
        case "toml":
            return "toml"
        case "yaml":
            return "yaml"
    raise Refusal("bad_format", 422, "format is toml or yaml", "format: toml или yaml")


async def _results(floor: CampaignsOfFloor, request: web.Request) -> web.StreamResponse:
    query, name = request.query, request.match_info["name"]
    kind = query.get("format", "csv")
    since, until = limits(query.get("from"), query.get("to"), floor.zone, datetime.now(UTC))
    service = ResultsService(floor.pool, floor.floor_id, floor.zone)
    with tempfile.TemporaryDirectory(prefix="prozvon-") as folder:
        path = Path(folder) / f"results.{kind if kind in ('csv', 'xlsx') else 'other'}"
        await service.export(
            name,
            path,
            actor_of(request),
            since=since,
            until=until,
            conversations_only=query.get("conversations", "") in ("1", "true", "yes"),
            language=_language(request),
        )
        return await send_file(request, path, f"{name}{path.suffix}")


def _language(request: web.Request) -> str:
    return wanted_language(request.headers.get("Accept-Language", ""))
