"""Plans over HTTP: the same as `prozvon plan`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from dialer.http.answers import actor_of, body_of, json_answer, text_of
from monitoring.plans.model import Plan, PlanError, date_of, time_of, weekdays_of
from monitoring.plans.service import PlanService


def routes(service: Callable[[], PlanService]) -> list[web.AbstractRouteDef]:
    """`GET /api/plans`, `PUT /api/plans`, `POST /api/plans/end`."""

    async def show(request: web.Request) -> web.Response:
        return json_answer([asdict(plan) for plan in await service().plans()])

    async def put(request: web.Request) -> web.Response:
        plan = plan_of(await body_of(request))
        await service().set(plan, actor_of(request))
        return json_answer(asdict(plan))

    async def end(request: web.Request) -> web.Response:
        body = await body_of(request)
        same = (text_of(body, "kind"), body.get("subject") or "", text_of(body, "measure"))
        day = date_of(text_of(body, "until"))
        await service().end(*same, day, actor_of(request))
        return json_answer({"until": day})

    return [
        web.get("/api/plans", show),
        web.put("/api/plans", put),
        web.post("/api/plans/end", end),
    ]


def plan_of(body: dict[str, Any]) -> Plan:
    """`kind`, `subject`, `measure`, `amount`; optional `since`, `weekdays`, `checkpoint`,
    `checkpoint_share`. Raises Refusal."""
    amount, share = body.get("amount"), body.get("checkpoint_share", 0.5)
    for number in (amount, share):
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise PlanError(
                "bad_plan",
                "give 'amount' and 'checkpoint_share' as numbers",
                "укажите 'amount' и 'checkpoint_share' числами",
                status=422,
            )
    today = datetime.now(UTC).date().isoformat()
    return Plan(
        text_of(body, "kind"),
        text_of({"subject": "", **body}, "subject"),
        text_of(body, "measure"),
        float(amount or 0),
        date_of(text_of({"since": today, **body}, "since")),
        weekdays=weekdays_of(text_of({"weekdays": "mon-fri", **body}, "weekdays")),
        checkpoint=time_of(text_of({"checkpoint": "13:00", **body}, "checkpoint")),
        checkpoint_share=float(share),
    )
