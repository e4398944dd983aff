"""Rows of a file -> contacts and phones of one list, part by part, in the caller's transaction."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from campaigns.lists.intake import Agreed, Batch
from campaigns.lists.model import Duplicates, Order
from dialer.database.pool import Connection
from dialer.database.queries import Queries

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    # Generic in the stubs alone, as dialer.database.pool has it.
    Session = Connection | PoolConnectionProxy[asyncpg.Record]

CONSENT = Queries.load("campaigns.consent")
# For one statement over all rows of a file of some millions, or for a second import of the list
# that waits for the first one.
STATEMENT_TIMEOUT_S = 900.0
# At most so many rows are merged at once, while the next ones are read: all phones of a part are
# sorted in memory. The first parts are small, or PostgreSQL would wait for them.
MERGE_ROWS = 100_000
FIRST_ROWS = 10_000
_STAGES = ("stage_rows", "stage_phones", "stage_known", "stage_new", "stage_left")


class Merge:
    """Stages rows by COPY and merges what is new; counts what became of them.

    `floor_id`, `source`: of the list, made if missing. `campaign_id`: where duplicates are looked
    for, if the order says so. `zone_ids`: ids of `zone_sets()`.
    """

    def __init__(
        self,
        connection: Session,
        queries: Queries,
        order: Order,
        *,
        floor_id: int,
        source: str,
        campaign_id: int | None,
        zone_ids: list[int],
    ) -> None:
        self._connection = connection
        self._queries = queries
        self._order = order
        self._list = (floor_id, order.name, source)
        self._campaign_id = campaign_id
        self._zone_ids = zone_ids
        self._staged = self._merged = 0
        self._others: list[int] = []
        self._first_contact = 0
        self.list_id: int | None = None
        self.accepted = self.phones = self.updated = self.consents = 0
        self.duplicates = Duplicates(0, 0, 0)

    async def prepare(self) -> None:
        """Make the tables for staging."""
        queries = self._queries
        await self._execute(queries.allow_long_work, f"{STATEMENT_TIMEOUT_S * 1000:.0f}")
        for table in _STAGES:
            await self._execute(queries[table])

    async def add(self, batch: Batch) -> None:
        """Take rows in; every now and then those that are there are merged."""
        for table, lines in (("list_import_row", batch.rows), ("list_import_phone", batch.phones)):
            await self._connection.copy_to_table(
                table, source=io.BytesIO(lines), timeout=STATEMENT_TIMEOUT_S
            )
        self._staged += batch.count
        if batch.consents:
            await self._record(batch.consents)
        # An update looks at all rows of a contact together.
        if self._order.on_duplicate != "update" and self._staged >= self._part():
            await self._merge()
            await self._execute(self._queries.clear_stage)

    def _part(self) -> int:
        return min(MERGE_ROWS, max(FIRST_ROWS, self._merged))

    async def finish(self) -> None:
        """Merge what is left; the list is there then, even if nothing went in."""
        await self._merge()
        if self._order.on_duplicate == "update":
            await self._update()
        else:
            await self._settle()
        await self._count_left()
        if self.consents:
            details = {"consents": self.consents}
            what = "list import", "consents_imported", f"list {self.list_id}", details
            await self._execute(CONSENT.note, *what)  # proofs: who brought them is kept

    async def _merge(self) -> None:
        queries, update = self._queries, self._order.on_duplicate == "update"
        self._merged += self._staged
        self._staged = 0
        for analyze in ("analyze_rows", "analyze_phones"):
            await self._execute(queries[analyze])
        if self.list_id is None:
            await self._make_list()
        await self._execute(queries.find_known, self.list_id, self._first_contact)
        if update:
            await self._find_elsewhere(queries.find_staged_elsewhere, self._others)
            await self._execute(queries.hold_elsewhere)
        await self._execute(queries.analyze_known)
        await self._execute(queries.choose_new, update)
        await self._execute(queries.analyze_new)
        await self._execute(queries.note_left)
        await self._count_new()
        await self._execute(queries.add_contacts, self.list_id)
        await self._execute(queries.add_phones, self.list_id, self._zone_ids)

    async def _settle(self) -> None:
        """What other lists have is looked for once, when all is in, and taken out again."""
        queries, place = self._queries, (self.list_id, self._first_contact)
        if not self._others or not self.phones:
            await self._execute(queries.nothing_elsewhere)
            return
        await self._execute(queries.choose_way, self.phones, len(self._others))
        await self._find_elsewhere(queries.find_elsewhere, *place, self._others)
        await self._execute(queries.forget_way)
        if self._order.on_duplicate == "add":
            return
        (phones,) = await self._fetch(queries.withdraw_phones, *place)
        if phones:
            (contacts,) = await self._fetch(queries.withdraw_contacts)
            await self._execute(queries.close_gaps)
            self.phones -= phones
            self.accepted -= contacts

    async def _find_elsewhere(self, query: str, *values: object) -> None:
        await self._execute(query, *values)
        if self._order.days is not None:
            await self._execute(self._queries.forget_older, self._order.days)

    async def _record(self, agreed: Sequence[Agreed]) -> None:
        """Consents for every campaign; known ones, and those withdrawn since, are left alone."""
        floor_id, _, source = self._list
        fresh = await self._connection.fetch(
            self._queries.add_consents,
            floor_id,
            [one.e164 for one in agreed],
            [one.consent.source for one in agreed],
            [one.consent.evidence or f"{source}, line {one.line}" for one in agreed],
            [one.consent.given_at for one in agreed],
            timeout=STATEMENT_TIMEOUT_S,
        )
        self.consents += len(fresh)
        if fresh:
            phones = [row["e164"] for row in fresh]
            await self._execute(CONSENT.wake, floor_id, phones)

    async def _update(self) -> None:
        changed = await self._fetch(self._queries.update_contacts)
        grown = await self._fetch(self._queries.add_phones_of_known, self.list_id, self._zone_ids)
        self.phones += len(grown)
        self.updated = len({*changed, *grown})

    async def _make_list(self) -> None:
        queries, order = self._queries, self._order
        (self.list_id,) = await self._fetch(queries.make_list, *self._list)
        (self._first_contact,) = await self._fetch(queries.first_contact)
        if self._campaign_id is not None:
            others = await self._fetch(queries.lists_of_campaign, self._campaign_id)
        elif order.days is not None:
            others = await self._fetch(queries.lists_of_floor, self._list[0])
        else:
            return
        self._others = [other for other in others if other != self.list_id]

    async def _count_new(self) -> None:
        (row,) = await self._connection.fetch(self._queries.count_new, timeout=STATEMENT_TIMEOUT_S)
        self.accepted += row["contacts"]
        self.phones += row["phones"]

    async def _count_left(self) -> None:
        (row,) = await self._connection.fetch(self._queries.count_left, timeout=STATEMENT_TIMEOUT_S)
        self.duplicates = Duplicates(**row)

    async def _execute(self, query: str, *values: object) -> None:
        await self._connection.execute(query, *values, timeout=STATEMENT_TIMEOUT_S)

    async def _fetch(self, query: str, *values: object) -> list[int]:
        """The first column, as numbers."""
        rows = await self._connection.fetch(query, *values, timeout=STATEMENT_TIMEOUT_S)
        return [row[0] for row in rows]
