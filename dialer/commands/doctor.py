"""`prozvon doctor`: is everything there that dialing needs?"""

from __future__ import annotations

import typer

from dialer.commands.common import Json, Reply


def doctor(context: typer.Context, as_json: Json = False) -> Reply:
    """Check a live system; each failure says what to do."""
    raise NotImplementedError
