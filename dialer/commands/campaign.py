"""`prozvon campaign`: make, approve, start, pause, finish, edit, look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import typer

from campaigns.approval.model import Exemption
from campaigns.campaign import settings as registry
from campaigns.campaign.kinds import Value
from campaigns.campaign.model import (
    STATUS_WORDS,
    CampaignState,
    CampaignStatus,
    Created,
    Edited,
    NewCampaign,
)
from campaigns.campaign.service import ANY_TRUNK, CampaignService
from campaigns.campaign_file.model import CampaignFile
from campaigns.refusals import Sentence
from campaigns.rules.effective import Effective
from campaigns.rules.service import RulesService
from campaigns.rules.why import WhyService
from dialer.commands import campaign_files
from dialer.commands.campaign_shown import shown
from dialer.commands.campaign_watch import watch_with
from dialer.commands.common import (
    CommandError,
    Json,
    Reply,
    as_written,
    os_user,
    pairs,
    run,
    say,
    speech,
    table,
    use_settings,
)
from dialer.commands.database import Floor, open_floor
from dialer.commands.late import Late, late_group
from dialer.commands.why import effective_table
from dialer.config import Settings

app = typer.Typer(
    cls=late_group(
        {
            "pacing": Late(
                "pacing:pacing",
                "Show or set a campaign's share of the floor and its limits; "
                "in force within a second.",
            )
        }
    ),
    no_args_is_help=True,
    help="What is dialed: make, approve, start, pause, finish, edit, look.",
)
T = TypeVar("T")
NO_CAMPAIGNS = Sentence(
    "No campaigns yet; make one: prozvon campaign create",
    "Кампаний пока нет; создайте: prozvon campaign create",
)

Name = Annotated[str, typer.Argument(help="The campaign's name.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="KEY=VALUE; may be given several times; see `campaign keys`."),
]
NewVersion = Annotated[
    int | None, typer.Option("--version", help="Refuse when it is not at this version any more.")
]


@app.command("create")
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The campaign's name, or its file (.toml, .yaml).")],
    list_: Annotated[
        list[str] | None,
        typer.Option("--list", help="A list to dial; may be given several times."),
    ] = None,
    mode: Annotated[
        Literal["manual", "preview", "progressive", "predictive", "broadcast"] | None,
        typer.Option(),
    ] = None,
    caller_id: Annotated[
        list[str] | None,
        typer.Option(help="The number that people see, 3 to 15 digits; several: in turn."),
    ] = None,
    ring_timeout: Annotated[
        float | None, typer.Option(help="Seconds of ringing, 5 to 120.")
    ] = None,
    post_dial_delay: Annotated[
        float | None, typer.Option(help="Seconds until a good trunk rings, 1 to 30.")
    ] = None,
    wrap_up_limit: Annotated[
        float | None, typer.Option(help="Seconds an operator has after a conversation.")
    ] = None,
    recording: Annotated[bool | None, typer.Option(help="Record conversations.")] = None,
    max_approaches: Annotated[int | None, typer.Option(help="Dials of one lead at most.")] = None,
    trunk: Annotated[
        list[str] | None,
        typer.Option(help="A trunk it may use, given several times, or `any`."),
    ] = None,
    language: Annotated[
        Literal["ru", "en"] | None, typer.Option(help="Language of the prompts.")
    ] = None,
    set_: Set = None,
    as_json: Json = False,
) -> Reply:
    """Make a campaign, in draft, with a lead for every contact of its lists.

    From a file, or by name and options; options come before what the file says.
    """
    settings = use_settings(context)
    file = campaign_files.read_file(Path(name)) if campaign_files.is_file(name) else None
    options: dict[str, Value] = {
        "mode": mode,
        "language": language,
        **_caller_ids(caller_id),
        "ring_timeout_s": ring_timeout,
        "post_dial_delay_s": post_dial_delay,
        "wrap_up_limit_s": wrap_up_limit,
        "recording": recording,
        "max_approaches": max_approaches,
    }
    given = {key: value for key, value in options.items() if value is not None}
    given |= registry.parse(pairs(set_ or ()))
    new = _new(settings, file, name, list_ or [], trunk, given)
    return _made(run(_create(settings, file, new)), new)


def _caller_ids(given: list[str] | None) -> dict[str, Value]:
    if not given:
        return {}
    return {"caller_id": given[0], "further_caller_ids": list(dict.fromkeys(given))[1:]}


def _made(created: Created, new: NewCampaign) -> Reply:
    approve = f"prozvon campaign approve {new.name}"
    told = say(
        f"The campaign {new.name} has {created.leads} leads. Approve it: {approve}",
        f"В кампании {new.name} лидов: {created.leads}. Одобрите её: {approve}",
    )
    shown = {"status": "draft", "trunk": ", ".join(new.trunks) or ANY_TRUNK}
    return Reply({**asdict(created), **shown}, [told])


def _new(
    settings: Settings,
    file: CampaignFile | None,
    name: str,
    lists: list[str],
    trunk: list[str] | None,
    given: dict[str, Value],
) -> NewCampaign:
    values = {**(file.settings if file else {}), **given}
    named = values.pop("trunks", None)
    trunks = named if named is not None and not trunk else _trunks(settings, trunk)
    own = values.pop("lists", [])
    chosen = tuple(dict.fromkeys(lists or own))
    first = trunks[0] if trunks else ""
    return NewCampaign(file.name if file else name, chosen, first, values, tuple(trunks[1:]))


async def _create(settings: Settings, file: CampaignFile | None, new: NewCampaign) -> Created:
    async with open_floor(settings) as floor:
        service = _service(floor)
        if file is None:
            return await service.create(new, os_user())
        made: Created = await campaign_files.located(file, lambda: service.create(new, os_user()))
        return made


def _trunk_names(settings: Settings) -> list[str]:
    """Those of the settings; where they name none, those of what runs: a demo has its own."""
    if settings.trunks:
        return [trunk.name for trunk in settings.trunks]
    from dialer.commands.desk import running_trunks  # HTTP, which is seldom needed

    return run(running_trunks(settings))


def _trunks(settings: Settings, given: list[str] | None) -> list[str]:
    """Those the campaign names; none for `any`."""
    if given:
        return [] if given == [ANY_TRUNK] else list(dict.fromkeys(given))
    names = _trunk_names(settings)
    if not names:
        raise CommandError(
            "no_trunk",
            "the settings have no trunk; add one under [[trunks]]",
            "в настройках нет транка; добавьте его в [[trunks]]",
        )
    if len(names) > 1:
        raise CommandError(
            "which_trunk",
            f"name trunks: --trunk {'|'.join([*names, ANY_TRUNK])}",
            f"укажите транки: --trunk {'|'.join([*names, ANY_TRUNK])}",
        )
    return names


async def _with(settings: Settings, work: Callable[[CampaignService], Awaitable[T]]) -> T:
    async with open_floor(settings) as floor:
        return await work(_service(floor))


def _service(floor: Floor) -> CampaignService:
    return CampaignService(floor.pool, floor.floor_id, floor.settings.asterisk.node)


# --- statuses


@app.command("approve")
def approve(
    context: typer.Context,
    name: Name,
    exception: Annotated[
        list[str] | None,
        typer.Option(help="A moratorium that is lifted for this campaign; needs --by, --reason."),
    ] = None,
    by: Annotated[str, typer.Option(help="The manager who lifts it.")] = "",
    reason: Annotated[str, typer.Option(help="Why it is lifted.")] = "",
    as_json: Json = False,
) -> Reply:
    """Take the project in: its brief is complete and breaks no moratorium."""
    lifted = [Exemption(moratorium, by, reason) for moratorium in exception or ()]
    return _move(
        use_settings(context), name, lambda service: service.approve(name, os_user(), lifted)
    )


@app.command("withdraw")
def withdraw(context: typer.Context, name: Name, as_json: Json = False) -> Reply:
    """Take the approval back: a draft again."""
    return _move(use_settings(context), name, lambda service: service.withdraw(name, os_user()))


@app.command("start")
def start(context: typer.Context, name: Name, as_json: Json = False) -> Reply:
    """Begin dialing, or go on."""
    settings = use_settings(context)
    trunks = _trunk_names(settings)
    return _move(settings, name, lambda service: service.start(name, os_user(), trunks))


@app.command("pause")
def pause(context: typer.Context, name: Name, as_json: Json = False) -> Reply:
    """No new calls; conversations go on."""
    return _move(use_settings(context), name, lambda service: service.pause(name, os_user()))


@app.command("resume")
def resume(context: typer.Context, name: Name, as_json: Json = False) -> Reply:
    """Go on after a pause."""
    settings = use_settings(context)
    trunks = _trunk_names(settings)
    return _move(settings, name, lambda service: service.resume(name, os_user(), trunks))


@app.command("finish")
def finish(context: typer.Context, name: Name, as_json: Json = False) -> Reply:
    """End dialing; conversations go on."""
    return _move(use_settings(context), name, lambda service: service.finish(name, os_user()))


@app.command("reopen")
def reopen(context: typer.Context, name: Name, as_json: Json = False) -> Reply:
    """Make a finished campaign a paused one."""
    return _move(use_settings(context), name, lambda service: service.reopen(name, os_user()))


@app.command("archive")
def archive(context: typer.Context, name: Name, as_json: Json = False) -> Reply:
    """Put it away for ever; reports and results stay."""
    return _move(use_settings(context), name, lambda service: service.archive(name, os_user()))


def _move(
    settings: Settings,
    name: str,
    change: Callable[[CampaignService], Awaitable[CampaignStatus]],
) -> Reply:
    status = run(_with(settings, change))
    told = say(f"The campaign {name} is {status}.", f"Кампания {name}: {STATUS_WORDS[status].ru}.")
    return Reply({"name": name, "status": status}, [told])


# --- settings


@app.command("clone")
def clone(
    context: typer.Context,
    name: Name,
    new_name: Annotated[str, typer.Argument(help="The new campaign's name.")],
    as_json: Json = False,
) -> Reply:
    """A draft with the same settings and fresh leads of the same lists."""
    settings = use_settings(context)
    created = run(_with(settings, lambda service: service.clone(name, new_name, os_user())))
    told = say(
        f"The campaign {new_name} is a copy of {name}, with {created.leads} leads, in draft.",
        f"Кампания {new_name} – копия {name}, лидов: {created.leads}, черновик.",
    )
    return Reply({**asdict(created), "status": "draft"}, [told])


@app.command("edit")
def edit(
    context: typer.Context,
    name: Name,
    changes: Annotated[
        list[str] | None, typer.Argument(help="KEY=VALUE ...; see `campaign keys`.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", help="All settings from a file; what it leaves out is default."),
    ] = None,
    version: NewVersion = None,
    as_json: Json = False,
) -> Reply:
    """Change settings; a running campaign follows in seconds."""
    settings = use_settings(context)
    edited = run(_edit(settings, name, changes or [], file, version))
    told = say(
        f"The campaign {name} is at version {edited.version}.",
        f"Кампания {name}: версия {edited.version}.",
    )
    if not edited.changes:
        told = say(
            f"Nothing changed: the campaign {name} is at version {edited.version}.",
            f"Ничего не изменилось: кампания {name}, версия {edited.version}.",
        )
    return Reply(edited, [told, *_changes(edited.changes)])


async def _edit(
    settings: Settings, name: str, changes: list[str], path: Path | None, version: int | None
) -> Edited:
    file = campaign_files.read_file(path) if path is not None else None
    values = {**(file.settings if file else {}), **registry.parse(pairs(changes))}
    if not values:
        raise CommandError(
            "bad_value", "give KEY=VALUE, or --file FILE", "укажите КЛЮЧ=ЗНАЧЕНИЕ или --file ФАЙЛ"
        )
    if file is not None and file.name != name:
        raise CommandError(
            "bad_value",
            f"{path} is the campaign {file.name!r}, not {name!r}",
            f"в {path} кампания {file.name!r}, а не {name!r}",
        )
    async with open_floor(settings) as floor:
        service = _service(floor)

        async def edit() -> Edited:
            return await service.edit(
                name, values, os_user(), version=version, whole=file is not None
            )

        edited: Edited = await (campaign_files.located(file, edit) if file else edit())
        return edited


app.command("export")(campaign_files.export)
app.add_typer(campaign_files.results, name="results")


@app.command("show")
def show(context: typer.Context, name: Name, as_json: Json = False) -> Reply:
    """All settings of a campaign."""
    values = run(_with(use_settings(context), lambda service: service.settings(name)))
    rows = [(key, as_written(value)) for key, value in values.items()]
    titles = say("key", "ключ"), say("value", "значение")
    return Reply(values, [table(titles, rows, name)])


@app.command("versions")
def versions(context: typer.Context, name: Name, as_json: Json = False) -> Reply:
    """Who changed what, and when."""
    found = run(_with(use_settings(context), lambda service: service.versions(name)))
    rows = [
        (v.version, v.at, v.actor, v.action, "" if v.version == 1 else ", ".join(v.changes))
        for v in found
    ]
    titles = (
        say("version", "версия"),
        say("at (UTC)", "когда (UTC)"),
        say("who", "кто"),
        say("what", "что"),
        say("keys", "ключи"),
    )
    return Reply(found, [table(titles, rows)])


@app.command("diff")
def diff(
    context: typer.Context,
    name: Name,
    old: Annotated[int, typer.Argument(help="A version.")],
    new: Annotated[int | None, typer.Argument(help="Another one; default: now.")] = None,
    as_json: Json = False,
) -> Reply:
    """What changed between two versions."""
    found = run(_with(use_settings(context), lambda service: service.diff(name, old, new)))
    return Reply(found, _changes(found) or [say("No difference.", "Различий нет.")])


def _changes(changes: Any) -> list[Any]:
    rows = [(key, as_written(old), as_written(new)) for key, (old, new) in changes.items()]
    return [table((say("key", "ключ"), say("old", "было"), say("new", "стало")), rows)]


@app.command("keys")
def keys(context: typer.Context, as_json: Json = False) -> Reply:
    """All settings that a campaign has."""
    use_settings(context)
    found = registry.described(speech.language)
    columns = (
        say("key", "ключ"),
        say("values", "значения"),
        say("default", "по умолчанию"),
        say("doc", "что это"),
    )
    return Reply(found, [table(columns, [tuple(row.values()) for row in found])])


# --- looking


@app.command("status")
def status(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="One campaign; default: all.")] = None,
    as_json: Json = False,
) -> Reply:
    """Leads, attempts, outcomes, and why this number of calls was placed or none; of one campaign
    also the rules in force, merged from the legal profile and its own settings."""
    states, rules = run(_standing(use_settings(context), name))
    human: list[Any] = [part for state in states for part in shown(state)]
    data = [{**asdict(state), "effective": rules[state.name]} for state in states]
    if name is not None:
        human.append(effective_table(rules[name]))
    return Reply(data, human or [NO_CAMPAIGNS.to(speech.language)])


async def _standing(
    settings: Settings, name: str | None
) -> tuple[list[CampaignState], dict[str, tuple[Effective, ...]]]:
    """How campaigns stand, and the rules in force by campaign."""
    async with open_floor(settings) as floor:
        states = await _service(floor).status(name)
        why = WhyService(RulesService(floor.pool, floor.floor_id))
        return states, {state.name: await why.effective(state.name) for state in states}


app.command("watch")(watch_with(shown))
