"""`prozvon simulate`: what other operators, hours or another mode would give."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import Progress

from campaigns.pacing.asked import Asked
from campaigns.pacing.measured import Day, MeasuredPlans
from campaigns.refusals import Sentence
from dialer.commands.campaign_shown import MODE_WORDS
from dialer.commands.common import CommandError, Json, Reply, run, say, speech, table, use_settings
from dialer.commands.database import open_floor
from dialer.commands.simulate_page import page
from dialer.config import Settings
from dialer.pacing_sim import Shift
from dialer.whatif import MODES, Estimate, Outlook, Plan, outlook_of, trial
from dialer.whatif_file import MOST_OPERATORS, read_plan

COLUMNS = (
    Sentence("operators", "операторов"),
    Sentence("mode", "режим"),
    Sentence("conversations per operator hour", "разговоров на час оператора"),
    Sentence("wait s", "ожидание, с"),
    Sentence("busy %", "занятость, %"),
    Sentence("abandoned %", "брошено, %"),
    Sentence("over the cap", "сверх предела"),
    Sentence("lines", "линий"),
    Sentence("days to the end", "дней до конца"),
)


def simulate(
    context: typer.Context,
    campaign: Annotated[
        str | None, typer.Argument(help="Simulate on this campaign's measured times.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="Or on the times stated in this file (TOML).")
    ] = None,
    operators: Annotated[
        str | None, typer.Option(help="Numbers of operators to compare, such as 5,10,20.")
    ] = None,
    hours: Annotated[
        float | None, typer.Option(min=0.1, max=24, help="Hours of a shift; default 8.")
    ] = None,
    mode: Annotated[
        Literal["progressive", "predictive", "both"], typer.Option(help="What to compare.")
    ] = "both",
    replications: Annotated[int, typer.Option(min=1, max=1000, help="Shifts of each.")] = 5,
    days: Annotated[
        float, typer.Option(min=0.01, max=366, help="Measured over the last days.")
    ] = 14,
    replay: Annotated[
        str | None, typer.Option(help="A past day (YYYY-MM-DD): what another mode had given.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a picture to this file.")] = None,
    as_json: Json = False,
) -> Reply:
    """Run the pacing engine in virtual time: conversations, waiting, abandonment, lines, days."""
    settings = use_settings(context)
    if (campaign is None) == (file is None):
        raise CommandError(
            "which_plan",
            "name a campaign, or a file: --file FILE",
            "укажите кампанию или файл: --file ФАЙЛ",
        )
    modes = MODES if mode == "both" else (mode,)
    when = _date(replay) if replay is not None else None
    asked = Asked(_sizes(operators), hours, modes, replications, days, when)
    base, day = _plan(settings, campaign, file, asked)
    if operators is None and base.scenario.operators == 1:  # measured: nobody said how many
        asked = replace(asked, operators=(5, 10, 20))
    plans = asked.plans(base)
    if html is not None:
        html.open("ab").close()  # a path that cannot be written is told before the minutes of work
    found = run_all(plans, replications, quiet=as_json)
    if html is not None:
        really = _really(day) if day is not None else ""
        made = page(base.scenario.name, base.cap, found, speech.language, really=really)
        html.write_text(made, encoding="utf-8")
    return _reply(plans[0], found, day, html)


def _plan(
    settings: Settings, campaign: str | None, file: Path | None, asked: Asked
) -> tuple[Plan, Day | None]:
    if file is not None:
        if asked.replay is not None:
            raise CommandError(
                "which_plan",
                "a past day is one of a campaign, not of a file",
                "прошедший день бывает у кампании, а не у файла",
            )
        return read_plan(_text(file), str(file)), None
    assert campaign is not None
    return run(_measured(settings, campaign, asked.days, asked.replay))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise CommandError(
            "bad_plan", f"{file} is not UTF-8 text", f"{file}: это не текст в UTF-8"
        ) from None


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(
            "bad_value",
            f"--replay is a date such as 2026-03-09, not {text!r}",
            f"--replay — это дата вида 2026-03-09, а не {text!r}",
        ) from None


async def _measured(
    settings: Settings, campaign: str, days: float, when: date | None
) -> tuple[Plan, Day | None]:
    lines = sum(trunk.lines for trunk in settings.trunks)
    async with open_floor(settings) as floor:
        plans = MeasuredPlans(floor.pool, floor.floor_id)
        if when is not None:
            return await plans.day(campaign, when, settings.floor.time_zone, lines)
        return await plans.plan(campaign, days, lines), None


def _sizes(text: str | None) -> tuple[int, ...]:
    if text is None:
        return ()
    try:
        sizes = [int(part) for part in text.split(",")]
    except ValueError:
        sizes = []
    if not sizes or not all(1 <= size <= MOST_OPERATORS for size in sizes):
        raise CommandError(
            "bad_value",
            f"--operators is a list such as 5,10,20, each 1 to {MOST_OPERATORS}",
            f"--operators — это список вида 5,10,20, каждое от 1 до {MOST_OPERATORS}",
        )
    return tuple(sorted(set(sizes)))


def run_all(plans: Sequence[Plan], replications: int, *, quiet: bool) -> list[Outlook]:
    """All replications of all plans, on every core, with a progress bar on stderr."""
    jobs = [(place, seed) for seed in range(replications) for place in range(len(plans))]
    # Large floors first, so that the cores end together.
    jobs.sort(key=lambda job: -plans[job[0]].scenario.operators)
    shifts: list[list[tuple[int, Shift]]] = [[] for _ in plans]
    cores = min(len(jobs), os.cpu_count() or 1)
    # Not by fork: the parent has had an event loop and threads.
    spawn = multiprocessing.get_context("spawn")
    with _progress(len(jobs), quiet=quiet) as step, ProcessPoolExecutor(cores, spawn) as pool:
        waiting = {pool.submit(trial, plans[place], seed): (place, seed) for place, seed in jobs}
        for done in as_completed(waiting):
            place, seed = waiting[done]
            shifts[place].append((seed, done.result()))
            step()
    return [
        outlook_of(plan, [shift for _, shift in sorted(own, key=lambda pair: pair[0])])
        for plan, own in zip(plans, shifts, strict=True)
    ]


@contextmanager
def _progress(total: int, *, quiet: bool) -> Iterator[Any]:
    if quiet or not sys.stderr.isatty():
        yield lambda: None
        return
    with Progress(console=Console(stderr=True), transient=True) as progress:
        told = say("simulating shifts", "моделируются смены")
        task = progress.add_task(told, total=total)
        yield lambda: progress.advance(task)


def _reply(base: Plan, found: list[Outlook], day: Day | None, html: Path | None) -> Reply:
    data: dict[str, Any] = {
        "name": base.scenario.name,
        "hours": base.scenario.hours,
        "cap": base.cap,
        "outlooks": [asdict(outlook) for outlook in found],
    }
    rows = [_row(outlook) for outlook in found]
    hours, cap = f"{base.scenario.hours:.1f}", f"{100 * base.cap:g}"
    told = say(f"{hours} h, cap {cap} %", f"{hours} ч, предел {cap} %")
    if day is not None:
        fact = {"per_hour": day.per_hour, "wait_s": day.wait_s, "abandon_rate": day.abandon_rate}
        data["fact"] = {**asdict(day), **fact}
        rows.insert(0, _fact(day))
    columns = [column.to(speech.language) for column in COLUMNS]
    human: list[Any] = [table(columns, rows, f"{base.scenario.name}: {told}")]
    human.append(
        say(
            "Mean of the shifts, ± half of the 95 % confidence interval.",
            "Среднее по сменам, ± половина 95 % доверительного интервала.",
        )
    )
    if html is not None:
        data["html"] = html
        human.append(say(f"The picture is in {html}.", f"Картинка в {html}."))
    return Reply(data, human)


def _row(outlook: Outlook) -> tuple[object, ...]:
    return (
        outlook.operators,
        MODE_WORDS[outlook.mode].to(speech.language),
        _shown(outlook.conversations_per_operator_hour, 2),
        _shown(outlook.wait_s, 1),
        _shown(outlook.utilisation, 1, 100.0),
        _shown(outlook.abandoned, 2, 100.0),
        say(
            f"{outlook.over_cap} of {outlook.replications}",
            f"{outlook.over_cap} из {outlook.replications}",
        ),
        outlook.lines_needed,
        None if outlook.days_to_finish is None else _shown(outlook.days_to_finish, 1),
    )


def _really(day: Day) -> str:
    """What the past day was, for the picture."""
    hourly, wait, rate = f"{day.per_hour:.1f}", f"{day.wait_s:.1f}", f"{100 * day.abandon_rate:.2f}"
    return say(
        f"As it was: {hourly} conversations per operator hour, {wait} s of waiting between "
        f"conversations, {rate} % abandoned.",
        f"Как было: разговоров на час оператора {hourly}, ожидание между разговорами {wait} с, "
        f"брошено {rate} %.",
    )


def _fact(day: Day) -> tuple[object, ...]:
    busy = 100.0 * day.busy_s / day.worked_s if day.worked_s else 0.0
    rate = f"{100.0 * day.abandon_rate:.2f}"
    figures = (f"{day.per_hour:.2f}", f"{day.wait_s:.1f}", f"{busy:.1f}", rate)
    return (day.operators, say("as it was", "как было"), *figures, None, None, None)


def _shown(found: Estimate, places: int, scale: float = 1.0) -> str:
    mean = f"{scale * found.mean:.{places}f}"
    if found.half_width is None:
        return mean
    return f"{mean} ± {scale * found.half_width:.{places}f}"
