"""`prozvon supervisor`: listen to an operator, whisper, barge in."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from dialer.commands import desk
from dialer.commands.common import Json, Reply, run, table, use_settings

app = typer.Typer(no_args_is_help=True, help="Listen to an operator, whisper, barge in.")

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
    return Reply(view, [f"{phone}: {view['mode']} on the line of {view['operator']}"])


@app.command("stop")
def stop(context: typer.Context, phone: Phone, as_json: Json = False) -> Reply:
    """Leave the operator's line."""
    path = f"/api/supervisors/{quote(phone, safe='')}/stop"
    view = run(desk.ask(use_settings(context), "POST", path))
    return Reply(view, [f"{phone} has left the line of {view['operator']}"])


@app.command("list")
def show_sessions(context: typer.Context, as_json: Json = False) -> Reply:
    """Who is on whose line."""
    views: Any = run(desk.ask(use_settings(context), "GET", "/api/supervision"))
    rows = [(v["supervisor"], v["operator"], v["mode"]) for v in views]
    human = table(("supervisor", "operator", "mode"), rows) if rows else "Nobody listens."
    return Reply(views, [human])
