"""Keeps the counts of leads: how many there are, were reached, are closed, and since when.

A lead is counted again when a mark names it or it was dialed. Triggers leave the marks, ranges of
leads: an import of a million is one mark. Attempts of the last hour and a half are not counted yet;
reports look at the leads of these themselves.
"""

from __future__ import annotations

from datetime import datetime

from dialer.database.pool import Connection
from dialer.database.queries import Queries

SQL = Queries.load("monitoring.rollups")
MOST_LEADS, MOST_MARKS = 20_000, 5_000
"""Of one step, which is one transaction."""


async def count_leads(connection: Connection, floor_id: int, until: datetime) -> bool:
    """One step, in the caller's transaction: attempts placed before `until` are counted.

    True: there was more to do.
    """
    since = await connection.fetchval(SQL.leads_rolled, floor_id)
    if since is None:
        await connection.execute(SQL.forget_leads, floor_id)
        await connection.execute(SQL.mark_all_leads, floor_id)
    elif since < until:
        await connection.execute(SQL.mark_dialed, floor_id, since, until)
    await connection.execute(SQL.keep_leads_rolled, floor_id, max(until, since or until))
    return await _count_marked(connection, floor_id)


async def _count_marked(connection: Connection, floor_id: int) -> bool:
    """Marks are read before the leads: a change that comes between leaves a mark that stays."""
    marks = [row["id"] for row in await connection.fetch(SQL.lead_marks, floor_id, MOST_MARKS)]
    if not marks:
        return False
    marked = await connection.fetch(SQL.marked_leads, floor_id, marks, MOST_LEADS)
    if marked:
        leads = sorted({row["lead_id"] for row in marked})
        asked = [row["id"] for row in await connection.fetch(SQL.of_their_contacts, leads)]
        await connection.execute(SQL.uncount_leads, floor_id, asked)
        await connection.execute(SQL.count_leads, floor_id, asked)
        await connection.execute(SQL.drop_empty_cells, floor_id)
    cut_short = len(marked) == MOST_LEADS
    if cut_short:
        last = marked[-1]
        await connection.execute(SQL.shorten_lead_mark, last["mark_id"], last["lead_id"])
        marks = [mark for mark in marks if mark < last["mark_id"]]
    await connection.execute(SQL.forget_lead_marks, marks)
    return cut_short or len(marks) == MOST_MARKS
