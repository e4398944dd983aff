"""`prozvon campaign`: make, start, pause, stop, look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, Any, Literal

import typer

from campaigns.campaign.model import CampaignState, CampaignStatus, Created, NewCampaign
from campaigns.campaign.service import CampaignService
from dialer.commands.common import CommandError, Json, Reply, os_user, run, table, use_settings
from dialer.commands.database import Floor, open_floor
from dialer.config import Settings

app = typer.Typer(no_args_is_help=True, help="What is dialed: make, start, pause, stop, look.")

Name = Annotated[str, typer.Argument(help="The campaign's name.")]


@app.command("create")
def create(
    context: typer.Context,
    name: Name,
    list_: Annotated[
        list[str], typer.Option("--list", help="A list to dial; may be given several times.")
    ],
    mode: Annotated[Literal["progressive", "predictive"], typer.Option()] = "progressive",
    caller_id: Annotated[
        list[str] | None,
        typer.Option(help="The number that people see, 3 to 15 digits; several: in turn."),
    ] = None,
    ring_timeout: Annotated[float, typer.Option(help="Seconds of ringing, 5 to 120.")] = 25,
    post_dial_delay: Annotated[
        float, typer.Option(help="Seconds until a good trunk rings, 1 to 30.")
    ] = 10,
    wrap_up_limit: Annotated[
        float, typer.Option(help="Seconds an operator has after a conversation.")
    ] = 60,
    recording: Annotated[bool, typer.Option(help="Record conversations.")] = False,
    max_approaches: Annotated[int, typer.Option(help="Dials of one lead at most.")] = 4,
    trunk: Annotated[
        list[str] | None,
        typer.Option(help="A trunk it may use, given several times, or `any`."),
    ] = None,
    language: Annotated[Literal["ru", "en"], typer.Option(help="Language of the prompts.")] = "ru",
    as_json: Json = False,
) -> Reply:
    """Make a campaign, in draft, with a lead for every contact of its lists."""
    settings = use_settings(context)
    trunks, numbers = _trunks(settings, trunk), list(dict.fromkeys(caller_id or ()))
    new = NewCampaign(
        name=name,
        lists=tuple(dict.fromkeys(list_)),
        trunk=trunks[0] if trunks else "",
        further_trunks=tuple(trunks[1:]),
        mode=mode,
        language=language,
        caller_id=numbers[0] if numbers else None,
        further_caller_ids=tuple(numbers[1:]),
        ring_timeout_s=ring_timeout,
        post_dial_delay_s=post_dial_delay,
        wrap_up_limit_s=wrap_up_limit,
        recording=recording,
        max_approaches=max_approaches,
    )
    created = run(_create(settings, new))
    told = f"The campaign {name} has {created.leads} leads. Start it: prozvon campaign start {name}"
    return Reply(
        {**asdict(created), "status": "draft", "trunk": ", ".join(new.trunks) or "any"}, [told]
    )


def _trunks(settings: Settings, given: list[str] | None) -> list[str]:
    """Those the campaign names; none for `any`."""
    names = [trunk.name for trunk in settings.trunks]
    if given:
        return [] if given == ["any"] else list(dict.fromkeys(given))
    if not names:
        raise CommandError("no_trunk", "the settings have no trunk; add one under [[trunks]]")
    if len(names) > 1:
        raise CommandError("which_trunk", f"name trunks: --trunk {'|'.join([*names, 'any'])}")
    return names


async def _create(settings: Settings, new: NewCampaign) -> Created:
    async with open_floor(settings) as floor:
        return await _service(floor).create(new, os_user())


def _service(floor: Floor) -> CampaignService:
    return CampaignService(floor.pool, floor.floor_id, floor.settings.asterisk.node)


@app.command("start")
def start(context: typer.Context, name: Name, as_json: Json = False) -> Reply:
    """Begin or go on dialing."""
    settings = use_settings(context)
    trunks = [trunk.name for trunk in settings.trunks]
    return _move(settings, name, lambda service: service.start(name, os_user(), trunks))


@app.command("pause")
def pause(context: typer.Context, name: Name, as_json: Json = False) -> Reply:
    """No new calls; conversations go on."""
    return _move(use_settings(context), name, lambda service: service.pause(name, os_user()))


@app.command("stop")
def stop(context: typer.Context, name: Name, as_json: Json = False) -> Reply:
    """End dialing; conversations go on. The campaign can be started again."""
    return _move(use_settings(context), name, lambda service: service.stop(name, os_user()))


def _move(
    settings: Settings,
    name: str,
    change: Callable[[CampaignService], Awaitable[CampaignStatus]],
) -> Reply:
    async def move() -> CampaignStatus:
        async with open_floor(settings) as floor:
            return await change(_service(floor))

    status = run(move())
    return Reply({"name": name, "status": status}, [f"The campaign {name} is {status}."])


@app.command("status")
def status(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="One campaign; default: all.")] = None,
    as_json: Json = False,
) -> Reply:
    """Leads, attempts, outcomes, and why this number of calls was placed or none."""
    states = run(_status(use_settings(context), name))
    human: list[Any] = [part for state in states for part in _shown(state)]
    return Reply(states, human or ["No campaigns yet; make one: prozvon campaign create"])


async def _status(settings: Settings, name: str | None) -> list[CampaignState]:
    async with open_floor(settings) as floor:
        return await _service(floor).status(name)


def _shown(state: CampaignState) -> list[Any]:
    title = f"{state.name}: {state.status} ({state.mode}, trunk {state.trunk})"
    leads = ", ".join(f"{count} {name}" for name, count in state.leads.items() if count)
    outcomes = ", ".join(f"{count} {name}" for name, count in state.outcomes.items() if count)
    rows = [
        ("lists", ", ".join(state.lists)),
        ("leads", leads or "none"),
        ("attempts", f"{state.attempts}, of these {state.in_progress} in progress"),
        ("outcomes", outcomes or "none"),
        ("conversations", str(state.conversations)),
        ("last decision", _decided(state)),
    ]
    return [table((title, ""), rows)]


def _decided(state: CampaignState) -> str:
    decision = state.last_decision
    return f"{decision.reason} ({decision.at:%Y-%m-%d %H:%M:%S} UTC)" if decision else "none yet"
