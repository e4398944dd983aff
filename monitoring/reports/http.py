"""Routes of reports: the list, and each of them in every format.

With the API's token the viewer is the `X-Prozvon-Actor`; an operator's own phone login (below
`/phone/api`) opens that operator's reports alone. Downloads are written into the audit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from aiohttp import web

from campaigns.refusals import LANGUAGES, Language, wanted_language
from dialer.http.answers import actor_of, json_answer, may_take
from monitoring.reports.asked import Asked, read
from monitoring.reports.catalog import Filters, described
from monitoring.reports.errors import ReportError
from monitoring.reports.formats import Format, file_name, format_named
from monitoring.reports.page import POLICY
from monitoring.reports.rights import Viewer, may_open, narrowed
from monitoring.reports.service import ReportService, catalogue
from monitoring.reports.sheet import Report

LIMIT_S = 60.0
PARAMETERS = (
    *("from", "to", "compare", "by", "tz", "format", "lang"),
    *("operator", "team", "campaign", "list"),
)
DOWNLOADED = ("csv", "xlsx")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ReportRoutes:
    """`service` raises Refusal `starting` until the floor is up. `phone`: whose phone login a
    request carries; it raises BrowserPhoneError `phone_login`."""

    def __init__(
        self,
        service: Callable[[], ReportService],
        zone: str,
        phone: Callable[[web.Request], Awaitable[str]] | None = None,
    ) -> None:
        self._service, self._zone, self._phone = service, zone, phone

    def routes(self) -> list[web.AbstractRouteDef]:
        made: list[web.AbstractRouteDef] = [
            web.get("/api/reports", self._list),
            web.get("/api/reports/{name}", _long(self._report)),
        ]
        if self._phone is not None:
            made += [
                web.get("/phone/api/reports", self._own_list),
                web.get("/phone/api/reports/{name}", _long(self._own_report)),
            ]
        return made

    async def _list(self, request: web.Request) -> web.Response:
        return _shown(request, await self._viewer(request))

    async def _report(self, request: web.Request) -> web.Response:
        return await self._made(request, await self._viewer(request))

    async def _own_list(self, request: web.Request) -> web.Response:
        return _shown(request, await self._owner(request))

    async def _own_report(self, request: web.Request) -> web.Response:
        return await self._made(request, await self._owner(request))

    async def _viewer(self, request: web.Request) -> Viewer:
        name = actor_of(request)
        return Viewer(name, await self._service().role(name))

    async def _owner(self, request: web.Request) -> Viewer:
        assert self._phone is not None
        return Viewer(await self._phone(request), "operator")

    async def _made(self, request: web.Request, viewer: Viewer) -> web.Response:
        language, service = language_of(request), self._service()
        form = format_named(request.query.get("format", "json"))
        now = datetime.now(UTC)
        wanted = narrowed(read(_asked(request), self._zone, now, language), viewer)
        try:
            made = await service.make(wanted, now)
        except TimeoutError:
            raise busy() from None
        if form.taken_out:
            await service.note_export(made, form.name, viewer.name)
        # A thread: a year by day is a second of work, in which nobody must wait for an operator.
        body = await asyncio.to_thread(form.write, made, language)
        return web.Response(body=body, headers=_headers(made, form, language))


def _long(handler: Handler) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    return may_take(LIMIT_S)(answer)


def language_of(request: web.Request) -> Language:
    """`lang`, else what the browser likes best. Raises ReportError `bad_language`."""
    asked = request.query.get("lang")
    if asked is None:
        return wanted_language(request.headers.get("Accept-Language", ""))
    for language in LANGUAGES:
        if asked.lower() == language:
            return language
    raise ReportError("bad_language", f"'lang' is one of en, ru, not {asked!r}",
                      f"'lang': en или ru, а не {asked!r}")  # fmt: skip


def _asked(request: web.Request) -> Asked:
    """Raises ReportError `bad_parameter`: one that is misspelt would change the numbers."""
    query = request.query
    for key in query:
        if key not in PARAMETERS:
            can = ", ".join(PARAMETERS)
            raise ReportError(
                "bad_parameter",
                f"there is no parameter {key!r}; there is: {can}",
                f"параметр {key!r}: нет такого; есть: {can}",
            )
    names = [tuple(query.getall(kind, ())) for kind in ("operator", "team", "campaign", "list")]
    return Asked(
        request.match_info["name"],
        query.get("from"),
        query.get("to"),
        query.get("compare"),
        query.get("by"),
        query.get("tz"),
        Filters(*names),
    )


def _shown(request: web.Request, viewer: Viewer) -> web.Response:
    language = language_of(request)
    return json_answer(
        [described(kind, language) for kind in catalogue() if may_open(viewer, kind)]
    )


def _headers(made: Report, form: Format, language: Language) -> dict[str, str]:
    place = "attachment" if form.name in DOWNLOADED else "inline"
    headers = {
        "Content-Type": form.content_type,
        "Content-Disposition": f'{place}; filename="{file_name(made, form)}"',
        "Content-Language": language,
        "Cache-Control": "no-store",
        "Vary": "Accept-Language",
        "X-Content-Type-Options": "nosniff",
    }
    if form.name == "html":
        headers["Content-Security-Policy"] = POLICY
    return headers


def busy() -> ReportError:
    return ReportError(
        "busy",
        "other reports are being made, and each may take a while; try again in a minute",
        "составляются другие отчёты, это может занять время; попробуйте через минуту",
        status=503,
    )
