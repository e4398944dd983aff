"""`prozvon supervisor`: listen to an operator, whisper, barge in."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from campaigns.refusals import Sentence
from dialer.commands import desk
from dialer.commands.common import Json, Reply, run, say, table, use_settings, word

app = typer.Typer(no_args_is_help=True, help="Listen to an operator, whisper, barge in.")

MODES = {
    "listen": Sentence("listen", "слушает"),
    "whisper": Sentence("whisper", "подсказывает оператору"),
    "barge": Sentence("barge", "говорит с обоими"),
}

Operator = Annotated[str, typer.Argument(help="Whose line.")]
Phone = Annotated[str, typer.Option("--phone", help="The supervisor whose phone is called.")]


@app.command("listen")
def listen(
    context: typer.Context, operator: Operator, phone: Phone, as_json: Json = False
) -> Reply:
    """Hear operator and person; both do not hear you. Also ends whispering and barging."""
    return _supervise(context, operator, phone, "listen")


@app.command("whisper")
def whisper(
    context: typer.Context, operator: Operator, phone: Phone, as_json: Json = False
) -> Reply:
    """Hear both; only the operator hears you."""
    return _supervise(context, operator, phone, "whisper")


@app.command("barge")
def barge(context: typer.Context, operator: Operator, phone: Phone, as_json: Json = False) -> Reply:
    """Hear both, and both hear you."""
    return _supervise(context, operator, phone, "barge")


def _supervise(context: typer.Context, operator: str, phone: str, mode: str) -> Reply:
    path = f"/api/operators/{quote(operator, safe='')}/supervision"
    body = {"supervisor": phone, "mode": mode}
    view = run(desk.ask(use_settings(context), "POST", path, body))
    of, how = view["operator"], word(MODES, view["mode"])
    return Reply(view, [say(f"{phone}: {how} on the line of {of}", f"{phone}: {how}, линия {of}")])


@app.command("stop")
def stop(context: typer.Context, phone: Phone, as_json: Json = False) -> Reply:
    """Leave the operator's line."""
    path = f"/api/supervisors/{quote(phone, safe='')}/stop"
    view = run(desk.ask(use_settings(context), "POST", path))
    of = view["operator"]
    return Reply(
        view, [say(f"{phone} has left the line of {of}", f"{phone}: линия {of} оставлена")]
    )


@app.command("list")
def show_sessions(context: typer.Context, as_json: Json = False) -> Reply:
    """Who is on whose line."""
    views: Any = run(desk.ask(use_settings(context), "GET", "/api/supervision"))
    rows = [(v["supervisor"], v["operator"], word(MODES, v["mode"])) for v in views]
    heads = (say("supervisor", "супервизор"), say("operator", "оператор"), say("mode", "режим"))
    human = table(heads, rows) if rows else say("Nobody listens.", "Никто не слушает.")
    return Reply(views, [human])
