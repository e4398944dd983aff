"""Scripts against the lists they are for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from campaigns.campaign.kinds import Value
from campaigns.campaign.settings import BadSettings, Problem
from campaigns.scripts.model import unknown_attributes
from dialer.database.queries import Queries

SQL = Queries.load("campaigns.scripts")


async def check_attributes(
    connection: Any, floor_id: int, script: Value, lists: Sequence[str]
) -> None:
    """Raises BadSettings when the script names a column that its lists do not have."""
    if script is None:
        return
    rows = await connection.fetch(SQL.attributes, floor_id, list(lists))
    known = {row["key"] for row in rows}
    problems = [
        Problem("script", wrong.sentence, wrong.path) for wrong in unknown_attributes(script, known)
    ]
    if problems:
        raise BadSettings(problems)
