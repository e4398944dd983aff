"""What came of a run, as the controller wrote it to PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dialer.board import Board
from dialer.database.pool import Pool
from dialer.database.queries import Queries

if TYPE_CHECKING:
    from dialer.replay.recorder import Sink

SQL = Queries.load("dialer.replay")
KINDS = {
    "campaign": SQL["campaigns"],
    "operator": SQL["operators"],
    "outcome": SQL["outcomes"],
    "state": SQL["states"],
    "part": SQL["parts"],
    "supervision": SQL["supervisions"],
}


async def write_outcomes(pool: Pool, board: Board, recorder: Sink) -> None:
    """The last lines of a record: who and what was in the run, and how it ended.

    Raises what PostgreSQL raises; the record is not whole then.
    """
    since = datetime.fromtimestamp(recorder.started_at, UTC)
    for kind, sql in KINDS.items():
        for row in await pool.fetch(sql, board.floor_id, since):
            fields = dict(row)
            known = board.campaigns.get(fields["id"]) if kind == "campaign" else None
            if known is not None:
                fields["minimum_ring_s"] = known.minimum_ring_s
            recorder.note(kind, fields)
    recorder.end()
