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
# So many rows are merged at once, while the next ones are read. More keep PostgreSQL waiting for
# the first ones, fewer go through the keys of many millions of phones with less order.
MERGE_ROWS = 100_000


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
        self._staged = 0
        self._others: list[int] = []
        self.list_id: int | None = None
        self.accepted = self.phones = self.updated = self.consents = 0
        self.duplicates = Duplicates(0, 0, 0)

    async def prepare(self) -> None:
        """Make the tables for staging."""
        queries = self._queries
        await self._execute(queries.allow_long_work, f"{STATEMENT_TIMEOUT_S * 1000:.0f}")
        for table in ("stage_rows", "stage_phones", "stage_known", "stage_new", "stage_taken"):
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
        if self._staged >= MERGE_ROWS and self._order.on_duplicate != "update":
            await self._merge()
            await self._execute(self._queries.clear_stage)
            await self._execute(self._queries.analyze_taken)

    async def finish(self) -> None:
        """Merge what is left; the list is there then, even if nothing went in."""
        await self._merge()
        await self._execute(self._queries.add_phones, self.list_id, self._zone_ids)
        if self._order.on_duplicate == "update":
            await self._update()
        if self.consents:
            details = {"consents": self.consents}
            what = "list import", "consents_imported", f"list {self.list_id}", details
            await self._execute(CONSENT.note, *what)  # proofs: who brought them is kept

    async def _merge(self) -> None:
        queries, order = self._queries, self._order
        add, update = order.on_duplicate == "add", order.on_duplicate == "update"
        self._staged = 0
        for analyze in ("analyze_rows", "analyze_phones"):
            await self._execute(queries[analyze])
        if self.list_id is None:
            await self._make_list()
        list_id = self.list_id
        await self._execute(queries.find_known, list_id, self._others, order.days)
        await self._execute(queries.analyze_known)
        await self._execute(queries.choose_new, add, update)
        await self._execute(queries.analyze_new)
        await self._count()
        await self._execute(queries.add_contacts, list_id)
        await self._execute(queries.take_phones)

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
        if self._campaign_id is not None:
            self._others = await self._fetch(queries.lists_of_campaign, self._campaign_id)
        elif order.days is not None:
            self._others = await self._fetch(queries.lists_of_floor, self._list[0])

    async def _count(self) -> None:
        (row,) = await self._connection.fetch(
            self._queries.count_merged, timeout=STATEMENT_TIMEOUT_S
        )
        before = self.duplicates
        self.accepted += row["contacts"]
        self.phones += row["phones"]
        self.duplicates = Duplicates(
            before.in_file + row["in_file"],
            before.in_list + row["in_list"],
            before.elsewhere + row["elsewhere"],
        )

    async def _execute(self, query: str, *values: object) -> None:
        await self._connection.execute(query, *values, timeout=STATEMENT_TIMEOUT_S)

    async def _fetch(self, query: str, *values: object) -> list[int]:
        """The first column, as numbers."""
        rows = await self._connection.fetch(query, *values, timeout=STATEMENT_TIMEOUT_S)
        return [row[0] for row in rows]
