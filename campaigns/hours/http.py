"""Routes of calendars: which there are, a year of one, take new years."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aiohttp import web

from campaigns.hours.calendar import summary, year_of
from campaigns.hours.service import CalendarService
from dialer.http.answers import actor_of, body_of, json_answer
from dialer.http.fields import whole_number


def routes(service: Callable[[], CalendarService]) -> Sequence[web.AbstractRouteDef]:
    """`service` raises Refusal while the floor is not up."""

    async def calendars(_: web.Request) -> web.Response:
        found = await service().calendars()
        return json_answer([summary(calendar) for calendar in found.values()])

    async def show(request: web.Request) -> web.Response:
        calendar = await service().calendar(request.match_info["name"])
        year = whole_number({"year": request.match_info["year"]}, "year", 0, 9999)
        return json_answer(year_of(calendar, year))

    async def load(request: web.Request) -> web.Response:
        """The keys of a calendar's file as a JSON object."""
        document = await body_of(request)
        calendar = await service().load(document, "the request", actor_of(request))
        return json_answer(summary(calendar), 201)

    return (
        web.get("/api/calendars", calendars),
        web.get("/api/calendars/{name}/{year}", show),
        web.post("/api/calendars", load),
    )
