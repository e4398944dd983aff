"""`prozvon operator dial|card|dial-card|skip`: dialing by hand, asked of a running `serve`."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from dialer.commands import desk
from dialer.commands.common import CommandError, Json, Reply, run, table, use_settings

Login = Annotated[str, typer.Argument(help="Staff code: a-z, 0-9, _ and -.")]


def dial(
    context: typer.Context,
    login: Login,
    campaign: Annotated[str, typer.Option(help="A running manual or preview campaign.")],
    number: Annotated[str | None, typer.Option(help="A number, as people write it.")] = None,
    lead: Annotated[int | None, typer.Option(help="Or a lead of the campaign, by its id.")] = None,
    as_json: Json = False,
) -> Reply:
    """Dial a number or a lead; the operator hears it ring."""
    if (number is None) == (lead is None):
        raise CommandError("usage", "give either --number or --lead")
    what: dict[str, Any] = {"number": number} if lead is None else {"lead": lead}
    return _dialed(context, login, "dial", {"campaign": campaign, **what})


def dial_card(context: typer.Context, login: Login, as_json: Json = False) -> Reply:
    """Dial the lead of the operator's card."""
    return _dialed(context, login, "dial-card", {})


def skip(
    context: typer.Context,
    login: Login,
    reason: Annotated[str, typer.Option(help="Why this lead is not dialed now.")],
    as_json: Json = False,
) -> Reply:
    """Put the card away; its lead comes again later."""
    view = run(desk.act(use_settings(context), login, "skip", {"reason": reason}))
    return Reply(view, [f"{login} skipped the lead; it comes again later."])


def card(
    context: typer.Context,
    login: Login,
    reveal: Annotated[bool, typer.Option(help="Show the whole number; this is audited.")] = False,
    as_json: Json = False,
) -> Reply:
    """What the operator reads before the dial: the contact, and what was before."""
    path = f"/api/operators/{quote(login, safe='')}/card{'?reveal=1' if reveal else ''}"
    view = run(desk.ask(use_settings(context), "GET", path))
    return Reply(view, _card(view))


def add_to(app: typer.Typer) -> None:
    """These commands belong to `prozvon operator`."""
    app.command("dial")(dial)
    app.command("card")(card)
    app.command("dial-card")(dial_card)
    app.command("skip")(skip)


def _dialed(context: typer.Context, login: str, action: str, body: dict[str, Any]) -> Reply:
    view = run(desk.act(use_settings(context), login, action, body))
    return Reply(view, [f"{login} is dialing (attempt {view['attempt_id']})"])


def _card(view: dict[str, Any]) -> list[Any]:
    rows = [
        ("name", view["name"] or None),
        ("company", view["company"] or None),
        ("phone", view["phone"]),
        *sorted(view["attributes"].items()),
        ("time zone", view["time_zone"]),
        ("approaches", f"{view['approaches']} of {view['max_approaches']}"),
        ("time left", f"{view['left_s']:.0f} s, then {view['at_limit']}"),
    ]
    title = f"{view['campaign']}: lead {view['lead_id']}"
    past = [
        (a["placed_at"], a["outcome"], a["operator"], a["talk_s"], a["disposition"], a["note"])
        for a in view["history"]
    ]
    past += [(s["at"], "skipped", s["operator"], None, None, s["reason"]) for s in view["skips"]]
    columns = ("when (UTC)", "outcome", "operator", "talk, s", "disposition", "note")
    history = table(columns, sorted(past, key=lambda row: str(row[0]), reverse=True))
    return [table((title, ""), rows), history if past else "Nobody has called this lead yet."]
