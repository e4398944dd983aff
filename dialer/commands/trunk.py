"""`prozvon trunk`: the ways out to the telephone network, as set and as they stand."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import typer
from rich.text import Text

from campaigns.refusals import Sentence
from dialer import logs
from dialer.commands.common import (
    CommandError,
    Json,
    Reply,
    failed,
    run,
    say,
    speech,
    table,
    use_settings,
    word,
)
from dialer.commands.desk import ask
from dialer.config import Settings, TrunkSettings
from dialer.doctor_node import Node
from dialer.findings import Finding, finding
from dialer.node import routes_of
from dialer.routing import Route

app = typer.Typer(no_args_is_help=True, help="Trunks: list, state, check.")

STATES = {
    "up": Sentence("up", "работает"),
    "down": Sentence("down", "не работает"),
    "breaker": Sentence("breaker", "предохранитель"),
}
CONTACTS = {
    "reachable": Sentence("reachable", "отвечает"),
    "unreachable": Sentence("unreachable", "не отвечает"),
    "unknown": Sentence("unknown", "неизвестно"),
}
REGISTRATIONS = {
    "registered": Sentence("registered", "есть"),
    "unregistered": Sentence("unregistered", "нет"),
    "rejected": Sentence("rejected", "отклонена"),
    "none": Sentence("none", "не нужна"),
}

Name = Annotated[str | None, typer.Argument(help="One trunk; default: all.")]


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> Reply:
    """The trunks of the settings, and which numbers go over which."""
    settings = use_settings(context)
    routes = routes_of(settings)
    data = [
        {
            **trunk.model_dump(mode="json", by_alias=True, exclude={"password", "routes"}),
            "routes": [_route(route) for route in routes if route.trunk == trunk.name],
        }
        for trunk in settings.trunks
    ]
    rows = [_set(trunk, [r for r in routes if r.trunk == trunk.name]) for trunk in settings.trunks]
    columns = (
        say("trunk", "транк"),
        say("host", "адрес"),
        say("login", "вход"),
        say("lines", "линий"),
        say("calls/s", "вызовов/с"),
        say("numbers (weight)", "номера (вес)"),
        say("shows", "показывает"),
    )
    none = say("The settings have no [[trunks]].", "В настройках нет [[trunks]].")
    return Reply(data, [table(columns, rows)] if rows else [none])


def _route(route: Route) -> dict[str, Any]:
    return {"prefix": route.prefix, "weight": route.weight, "caller_ids": list(route.caller_ids)}


def _set(trunk: TrunkSettings, routes: list[Route]) -> tuple[object, ...]:
    login = say("by address", "по адресу")
    if trunk.registers:
        login = say("registers", "регистрация")
    elif trunk.username:
        login = say("password", "пароль")
    numbers = ", ".join(f"{route.prefix or say('all', 'все')} ({route.weight})" for route in routes)
    shown = ", ".join(dict.fromkeys(n for route in routes for n in route.caller_ids))
    where = f"{trunk.transport}:{trunk.host}:{trunk.port}"
    lines, rate = trunk.lines, trunk.calls_per_second
    return (
        trunk.name,
        where,
        login,
        lines,
        rate,
        numbers,
        shown or say("the campaign's", "как в кампании"),
    )


@app.command("status")
def status(context: typer.Context, name: Name = None, as_json: Json = False) -> Reply:
    """How the trunks stand in the running dialer. Exit code 1 when one takes no calls."""
    answer = run(ask(use_settings(context), "GET", "/api/trunks"))
    there = {view["name"]: view for view in answer["trunks"]}
    views = [there[chosen] for chosen in _named(list(there), name)]
    rows = [
        (v["name"], word(STATES, v["state"]), word(CONTACTS, v["contact"]), v["rtt_ms"],
         word(REGISTRATIONS, v["registration"]), f"{v['lines_used']}/{v['lines']}",
         say(v["trouble"], v["trouble_ru"]))
        for v in views
    ]  # fmt: skip
    columns = (
        say("trunk", "транк"),
        say("state", "состояние"),
        "OPTIONS",
        say("ms", "мс"),
        say("registration", "регистрация"),
        say("lines", "линии"),
        say("trouble", "что не так"),
    )
    bad = any(view["trouble"] for view in views)
    return Reply(views, [table(columns, rows)], exit_code=1 if bad else 0)


@app.command("check")
def check(context: typer.Context, name: Name = None, as_json: Json = False) -> Reply:
    """Ask the node now: is the trunk known, does it answer, is it registered. Exit code 1 if not.

    No call is placed.
    """
    settings = use_settings(context)
    there = {trunk.name: trunk for trunk in settings.trunks}
    trunks = [there[chosen] for chosen in _named(list(there), name)]
    if settings.log.level != "debug":
        logs.set_up("critical", settings.log.format)
    findings = run(_check(settings, trunks))
    ok = all(found.ok for found in findings)
    human = [Text(f"{'ok  ' if f.ok else failed()}  {f.said(speech.language)}") for f in findings]
    return Reply({"ok": ok, "checks": findings}, human, exit_code=0 if ok else 1)


async def _check(settings: Settings, trunks: list[TrunkSettings]) -> list[Finding]:
    node = Node(settings)
    async with node.ari():
        found = [
            await finding(f"trunk {t.name}", partial(node.check_trunk, t.name)) for t in trunks
        ]
    return found + await node.registrations([t.name for t in trunks if t.registers])


def _named(there: list[str], name: str | None) -> list[str]:
    """All that are there, or the one of this name. Raises CommandError `unknown_trunk`."""
    if not there:
        raise CommandError(
            "unknown_trunk", "the settings have no [[trunks]]", "в настройках нет [[trunks]]"
        )
    if name is not None and name not in there:
        names = ", ".join(there)
        raise CommandError(
            "unknown_trunk",
            f"there is no trunk {name!r}; there are: {names}",
            f"транка «{name}» нет; есть: {names}",
        )
    return there if name is None else [name]
