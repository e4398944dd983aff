"""`prozvon campaign pacing` and `prozvon operator skills`: who works for what, and how much."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

import typer

from campaigns.pacing.service import PacingService
from campaigns.refusals import Sentence
from dialer.commands.common import (
    CommandError,
    Json,
    Reply,
    os_user,
    run,
    say,
    speech,
    table,
    use_settings,
)
from dialer.commands.database import open_floor
from dialer.config import Settings

T = TypeVar("T")
NONE = "none"
NAMES = {
    "weight": Sentence("weight", "вес"),
    "skills": Sentence("skills needed", "нужные навыки"),
    "max_lines": Sentence("calls at once", "звонков одновременно"),
    "lines_per_operator": Sentence("calls for each operator", "звонков на оператора"),
    "max_abandon_rate": Sentence("abandoned, share at most", "потерянных, доля не больше"),
    "ring_timeout_s": Sentence("ringing, s", "ждать ответа, с"),
}


def pacing(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The campaign's name.")],
    weight: Annotated[
        float | None, typer.Option(help="Share of operators and lines against other campaigns.")
    ] = None,
    skill: Annotated[
        list[str] | None,
        typer.Option(help="Operators need it; may be given several times; 'none' for none."),
    ] = None,
    max_lines: Annotated[
        str | None, typer.Option(help="Calls at once at most; 'none' for no limit.")
    ] = None,
    lines_per_operator: Annotated[
        str | None, typer.Option(help="Calls at once for each operator; 'none' for no limit.")
    ] = None,
    max_abandoned: Annotated[
        float | None, typer.Option(help="Per cent of answered people who may be abandoned.")
    ] = None,
    ring: Annotated[
        float | None, typer.Option(help="Seconds of ringing before a call is given up.")
    ] = None,
    as_json: Json = False,
) -> Reply:
    """Show or set a campaign's share of the floor and its limits; in force within a second."""
    changes: dict[str, Any] = {
        "weight": weight,
        "max_abandon_rate": None if max_abandoned is None else max_abandoned / 100,
        "ring_timeout_s": ring,
    }
    changes = {key: value for key, value in changes.items() if value is not None}
    if skill:
        changes["skills"] = [] if skill == [NONE] else skill
    if max_lines is not None:
        changes["max_lines"] = _limit("--max-lines", max_lines, int)
    if lines_per_operator is not None:
        changes["lines_per_operator"] = _limit("--lines-per-operator", lines_per_operator, float)
    settings = use_settings(context)
    if changes:
        limits = run(_used(settings, lambda s: s.set_limits(name, changes, os_user())))
    else:
        limits = run(_used(settings, lambda s: s.why(name, 1))).limits
    rows = [(NAMES[k].to(speech.language), _shown(v)) for k, v in asdict(limits).items()]
    return Reply(limits, [table((name, ""), rows)])


def skills(
    context: typer.Context,
    login: Annotated[str, typer.Argument(help="The operator's login.")],
    skill: Annotated[
        list[str] | None, typer.Option(help="May be given several times; none: no skills.")
    ] = None,
    as_json: Json = False,
) -> Reply:
    """Set an operator's skills; in force from the next sign-in."""
    settings = use_settings(context)
    found = run(_used(settings, lambda s: s.set_skills(login, skill or [], os_user())))
    told = ", ".join(found) or say("no skills", "навыков нет")
    return Reply({"login": login, "skills": list(found)}, [f"{login}: {told}."])


async def _used(settings: Settings, use: Callable[[PacingService], Awaitable[T]]) -> T:
    async with open_floor(settings) as floor:
        return await use(PacingService(floor.pool, floor.floor_id))


def _limit(option: str, text: str, kind: type[int] | type[float]) -> float | None:
    if text == NONE:
        return None
    try:
        return kind(text)
    except ValueError:
        raise CommandError(
            "bad_value",
            f"{option} is a number or '{NONE}', not {text!r}",
            f"{option}: число или '{NONE}', а не {text!r}",
        ) from None


def _shown(value: object) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or say(NONE, "нет")
    return (
        say(NONE, "нет")
        if value is None
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
