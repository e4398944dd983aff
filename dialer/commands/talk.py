"""`prozvon operator hold` and the like: what an operator does with a live call."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from campaigns.refusals import Sentence
from dialer.commands import desk
from dialer.commands.common import Json, Reply, run, say, table, use_settings, word
from dialer.commands.operator import Login, state_word
from dialer.commands.operator import app as app

WAITS_FOR = {
    "hold": Sentence("hold", "удержание"),
    "consult": Sentence("consult", "консультация"),
    "park": Sentence("park", "парковка"),
    "transfer": Sentence("transfer", "перевод"),
    "seek": Sentence("seek", "ищем оператора"),
}
TALKS = {
    "held": Sentence("held", "на удержании"),
    "consulting": Sentence("consulting", "консультация"),
    "three_way": Sentence("three_way", "втроём"),
    "joining": Sentence("joining", "соединяется"),
    "waiting": Sentence("waiting", "ждёт"),
    "leaving": Sentence("leaving", "уходит"),
    "with_third": Sentence("with_third", "с третьим"),
}

Operator = Annotated[str, typer.Option("--operator", help="Login of another operator.")]
Stage = Annotated[str, typer.Option("--stage", help="Anyone of this stage.")]
Skill = Annotated[str, typer.Option("--skill", help="Anyone with this skill.")]
Number = Annotated[str, typer.Option("--number", help="A telephone number, as the settings allow.")]


@app.command("call")
def call(context: typer.Context, login: Login, as_json: Json = False) -> Reply:
    """Show the operator's call: held, in consultation, in three, muted."""
    return _shown(run(desk.ask(use_settings(context), "GET", f"/api/operators/{login}/call")))


@app.command("hold")
def hold(context: typer.Context, login: Login, as_json: Json = False) -> Reply:
    """The person hears music until `resume`."""
    return _act(context, login, "hold")


@app.command("resume")
def resume(context: typer.Context, login: Login, as_json: Json = False) -> Reply:
    """Take the person off hold."""
    return _act(context, login, "resume")


@app.command("mute")
def mute(context: typer.Context, login: Login, as_json: Json = False) -> Reply:
    """Nobody hears the operator until `unmute`."""
    return _act(context, login, "mute")


@app.command("unmute")
def unmute(context: typer.Context, login: Login, as_json: Json = False) -> Reply:
    """The operator is heard again."""
    return _act(context, login, "unmute")


@app.command("dtmf")
def dtmf(
    context: typer.Context,
    login: Login,
    digits: Annotated[str, typer.Argument(help="Up to 32 of 0-9, *, #, A-D.")],
    as_json: Json = False,
) -> Reply:
    """Send keys to the person's side, as to a voice menu."""
    return _act(context, login, "dtmf", digits=digits)


@app.command("transfer")
def transfer(
    context: typer.Context,
    login: Login,
    operator: Operator = "",
    stage: Stage = "",
    skill: Skill = "",
    number: Number = "",
    as_json: Json = False,
) -> Reply:
    """Hand the person over at once; this operator goes to wrap-up."""
    return _act(context, login, "transfer", **_target(operator, stage, skill, number))


@app.command("consult")
def consult(
    context: typer.Context,
    login: Login,
    operator: Operator = "",
    stage: Stage = "",
    skill: Skill = "",
    number: Number = "",
    as_json: Json = False,
) -> Reply:
    """Speak with somebody else first; the person hears music."""
    return _act(context, login, "consult", **_target(operator, stage, skill, number))


@app.command("toggle")
def toggle(context: typer.Context, login: Login, as_json: Json = False) -> Reply:
    """In a consultation: to the person and back."""
    return _act(context, login, "toggle")


@app.command("three-way")
def three_way(context: typer.Context, login: Login, as_json: Json = False) -> Reply:
    """Join the person, the operator and who is consulted."""
    return _act(context, login, "three-way")


@app.command("complete")
def complete(context: typer.Context, login: Login, as_json: Json = False) -> Reply:
    """Leave the person to who is consulted, also out of a three-way conversation."""
    return _act(context, login, "complete")


@app.command("cancel-consult")
def cancel(context: typer.Context, login: Login, as_json: Json = False) -> Reply:
    """Let the third party go; operator and person speak again."""
    return _act(context, login, "cancel-consult")


@app.command("park")
def park(context: typer.Context, login: Login, as_json: Json = False) -> Reply:
    """Leave the person waiting, with music, for another operator."""
    return _act(context, login, "park")


@app.command("pick-up")
def pick_up(
    context: typer.Context,
    login: Login,
    attempt: Annotated[str, typer.Option(help="Which person; else who waits longest.")] = "",
    as_json: Json = False,
) -> Reply:
    """Take a parked person."""
    body = {"attempt_id": attempt} if attempt else {}
    return _act(context, login, "pick-up", **body)


@app.command("parked")
def parked(context: typer.Context, as_json: Json = False) -> Reply:
    """Everybody who waits for somebody, the longest first."""
    people = run(desk.ask(use_settings(context), "GET", "/api/parked"))["people"]
    rows = [(p["attempt_id"], word(WAITS_FOR, p["why"]), p["by"], p["waits_s"]) for p in people]
    columns = (
        say("attempt", "попытка"),
        say("why", "почему"),
        say("by", "кем"),
        say("waits, s", "ждёт, с"),
    )
    none = say("Nobody waits.", "Никто не ждёт.")
    return Reply(people, [table(columns, rows) if rows else none])


def _target(operator: str, stage: str, skill: str, number: str) -> dict[str, str]:
    given = {"operator": operator, "stage": stage, "skill": skill, "number": number}
    return {key: value for key, value in given.items() if value}


def _act(context: typer.Context, login: str, action: str, **body: str) -> Reply:
    return _shown(run(desk.act(use_settings(context), login, action, body)))


def _shown(view: dict[str, Any]) -> Reply:
    talk = f", {word(TALKS, view['talk'])}" if view["talk"] else ""
    third = say(f" with {view['third']}", f": {view['third']}") if view["third"] else ""
    muted = say(", muted", ", микрофон выключен") if view["muted"] else ""
    return Reply(view, [f"{view['login']}: {state_word(view['state'])}{talk}{third}{muted}"])
