"""`prozvon operator dial|card|dial-card|skip`: dialing by hand, asked of a running `serve`."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from campaigns.refusals import Sentence
from dialer.commands import desk
from dialer.commands.campaign_shown import OUTCOME_WORDS
from dialer.commands.common import CommandError, Json, Reply, run, say, table, use_settings, word

AT_LIMIT = {"dial": Sentence("dial", "набор"), "skip": Sentence("skip", "пропуск")}

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
        raise CommandError(
            "usage", "give either --number or --lead", "укажите либо --number, либо --lead"
        )
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
    told = say(
        f"{login} skipped the lead; it comes again later.",
        f"{login}: лид пропущен, он придёт позже.",
    )
    return Reply(view, [told])


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
    attempt = view["attempt_id"]
    told = say(
        f"{login} is dialing (attempt {attempt})", f"{login}: идёт набор (попытка {attempt})"
    )
    return Reply(view, [told])


def _card(view: dict[str, Any]) -> list[Any]:
    done, most, left_s = view["approaches"], view["max_approaches"], f"{view['left_s']:.0f}"
    then = word(AT_LIMIT, view["at_limit"])
    rows = [
        (say("name", "имя"), view["name"] or None),
        (say("company", "компания"), view["company"] or None),
        (say("phone", "телефон"), view["phone"]),
        *sorted(view["attributes"].items()),
        (say("time zone", "часовой пояс"), view["time_zone"]),
        (say("approaches", "подходов"), say(f"{done} of {most}", f"{done} из {most}")),
        (
            say("time left", "осталось"),
            say(f"{left_s} s, then {then}", f"{left_s} с, затем {then}"),
        ),
    ]
    title = f"{view['campaign']}: {say('lead', 'лид')} {view['lead_id']}"
    past = [
        (
            a["placed_at"],
            word(OUTCOME_WORDS, a["outcome"]),
            a["operator"],
            a["talk_s"],
            a["disposition"],
            a["note"],
        )
        for a in view["history"]
    ]
    skipped = say("skipped", "пропущен")
    past += [(s["at"], skipped, s["operator"], None, None, s["reason"]) for s in view["skips"]]
    columns = (
        say("when (UTC)", "когда (UTC)"),
        say("outcome", "исход"),
        say("operator", "оператор"),
        say("talk, s", "разговор, с"),
        say("disposition", "итог"),
        say("note", "заметка"),
    )
    history = table(columns, sorted(past, key=lambda row: str(row[0]), reverse=True))
    none = say("Nobody has called this lead yet.", "Этому лиду ещё не звонили.")
    return [table((title, ""), rows), history if past else none]
