"""`prozvon plan`: what should be done on a working day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import typer

from campaigns.refusals import Sentence
from dialer.commands.common import Json, Reply, os_user, run, say, table, use_settings, word
from dialer.commands.database import open_floor
from dialer.config import Settings
from monitoring.plans.model import MEASURES, WEEKDAYS, Plan, check, date_of, time_of, weekdays_of
from monitoring.plans.service import PlanService

KINDS = {
    "operator": Sentence("operator", "оператор"),
    "team": Sentence("team", "команда"),
    "campaign": Sentence("campaign", "кампания"),
    "floor": Sentence("floor", "площадка"),
}
DAYS = ("пн", "вт", "ср", "чт", "пт", "сб", "вс")

app = typer.Typer(no_args_is_help=True, help="What should be done on a working day.")
Kind = Annotated[
    Literal["operator", "team", "campaign", "floor"], typer.Argument(help="Whose plan it is.")
]
Measure = Annotated[
    Literal[
        "dials", "conversations", "line_s", "productive", "target", "decision_maker", "hand_over"
    ],
    typer.Argument(help="What is counted; line_s: seconds of line time."),
]
Of = Annotated[str, typer.Option("--of", help="Login, team or campaign's name; not for the floor.")]


@app.command("set")
def put(
    context: typer.Context,
    kind: Kind,
    measure: Measure,
    amount: Annotated[float, typer.Argument(help="On each working day.")],
    of: Of = "",
    since: Annotated[str, typer.Option("--from", help="First day; default: today.")] = "",
    weekdays: Annotated[str, typer.Option(help="Working days: mon-fri, mon,wed,sat.")] = "mon-fri",
    checkpoint: Annotated[str, typer.Option(help="Hour at mid-day, by the floor.")] = "13:00",
    share: Annotated[float, typer.Option(help="Of the day's plan, done by then.")] = 0.5,
    as_json: Json = False,
) -> Reply:
    """Set a plan; from its first day on it replaces the one of the same before."""
    settings = use_settings(context)
    days, hour = weekdays_of(weekdays), time_of(checkpoint)
    begin = date_of(since) if since else _today(settings)
    plan = Plan(kind, of, measure, amount, begin, None, days, hour, share)
    check(plan)
    run(_set(settings, plan))
    return Reply(
        plan,
        [
            say(
                f"{_who(kind, of)}: {amount:g} {measure} a day from {begin}",
                f"{_who(kind, of)}: {word(MEASURES, measure)} — {amount:g} в день с {begin}",
            )
        ],
    )


async def _set(settings: Settings, plan: Plan) -> None:
    async with open_floor(settings) as floor:
        await PlanService(floor.pool, floor.floor_id).set(plan, os_user())


@app.command("end")
def end(
    context: typer.Context,
    kind: Kind,
    measure: Measure,
    of: Of = "",
    day: Annotated[str, typer.Option("--from", help="First day without; default: today.")] = "",
    as_json: Json = False,
) -> Reply:
    """Plan nothing of this any more."""
    settings = use_settings(context)
    until = date_of(day) if day else _today(settings)
    run(_end(settings, kind, of, measure, until))
    data = {"kind": kind, "subject": of, "measure": measure, "until": until}
    return Reply(
        data,
        [
            say(
                f"{_who(kind, of)}: no plan for {measure} from {until} on",
                f"{_who(kind, of)}: {word(MEASURES, measure)} — с {until} без плана",
            )
        ],
    )


async def _end(settings: Settings, kind: str, of: str, measure: str, until: date) -> None:
    async with open_floor(settings) as floor:
        service = PlanService(floor.pool, floor.floor_id)
        await service.end(kind, of, measure, until, os_user())


@app.command("list")
def show(context: typer.Context, as_json: Json = False) -> Reply:
    """All plans, with the days on which they hold."""
    plans = run(_plans(use_settings(context)))
    rows = [
        (word(KINDS, plan.kind), plan.subject, say(plan.measure, word(MEASURES, plan.measure)),
         plan.amount, plan.since, plan.until,
         ",".join(say(WEEKDAYS[day], DAYS[day]) for day in plan.weekdays),
         f"{plan.checkpoint:%H:%M}", plan.checkpoint_share)
        for plan in plans
    ]  # fmt: skip
    heads = (
        say("of", "чей"),
        say("name", "имя"),
        say("measure", "что"),
        say("a day", "в день"),
        say("from", "с"),
        say("until", "до"),
        say("on", "дни"),
        say("checkpoint", "проверка"),
        say("share", "доля"),
    )
    none = say("No plans yet: ", "Планов пока нет: ") + "prozvon plan set"
    return Reply(plans, [table(heads, rows) if rows else none])


async def _plans(settings: Settings) -> list[Plan]:
    async with open_floor(settings) as floor:
        return await PlanService(floor.pool, floor.floor_id).plans()


def _today(settings: Settings) -> date:
    return datetime.now(UTC).astimezone(ZoneInfo(settings.floor.time_zone)).date()


def _who(kind: str, subject: str) -> str:
    return f"{word(KINDS, kind)} {subject}".strip()
