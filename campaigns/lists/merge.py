"""Rows of a file -> contacts and phones of one list, batch by batch, in the caller's transaction.

What goes in is written by COPY straight to where it stays, so a phone is first looked for in the
list alone. Other lists are asked once, when all is in, and what they have is taken out again: to
look for each phone in lists of many millions costs more than all the rest.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from campaigns.lists.choice import Choice, Place, choose
from campaigns.lists.copytext import codes_of, phones_of
from campaigns.lists.intake import Agreed, Batch
from campaigns.lists.model import Duplicates, Order
from dialer.database.pool import Connection, copy_in
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
# A number takes some 140 bytes.
SEEN_MOST = 2_000_000
CONTACT = ("id", "list_id", "name", "company", "time_zone", "region", "attributes")
PHONE = ("contact_id", "list_id", "position", "e164", "zone_set_id")


class Merge:
    """Stores what is new, counts what became of the rows.

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
        self._update = order.on_duplicate == "update"
        self._list = (floor_id, order.name, source)
        self._campaign_id = campaign_id
        self._codes = codes_of(zone_ids)
        self._others: list[int] = []
        self._place: Place | None = None
        # All phones of a list that this file makes, as long as there are not too many of them.
        self._seen: dict[str, bool] | None = None
        # Of contacts to come.
        self._ids: deque[int] = deque()
        self._storing: asyncio.Task[None] | None = None
        self._wishes = False
        self.list_id: int | None = None
        self.accepted = self.phones = self.updated = self.consents = self.leads = 0
        self.duplicates = Duplicates(0, 0, 0)

    async def prepare(self) -> None:
        """Make the tables for what has to wait."""
        queries = self._queries
        await self._execute(queries.allow_long_work, f"{STATEMENT_TIMEOUT_S * 1000:.0f}")
        for table in ("stage_rows", "stage_phones", "stage_known", "stage_left"):
            await self._execute(queries[table])

    async def add(self, batch: Batch) -> None:
        """Take rows in."""
        place = self._place or await self._make_list()
        if self._seen is None or len(self._ids) < len(batch.lines):
            await self._settle()
        known = await self._known(batch, place)
        await self._draw(len(batch.lines))
        ids = iter(self._ids.popleft, None)
        choice = await asyncio.to_thread(choose, batch, known, ids, place)
        self.accepted += len(choice.contacts)
        self.phones += len(choice.phones)
        if self._seen is not None and len(self._seen) > SEEN_MOST:
            self._seen = None
        await self._settle()
        self._storing = asyncio.create_task(self._store(choice, batch))

    async def _store(self, choice: Choice, batch: Batch) -> None:
        """Write what was chosen, while the next rows are."""
        await self._copy("contact", choice.contacts, CONTACT)
        await self._copy("contact_phone", choice.phones, PHONE)
        await self._copy("list_import_left", choice.left)
        await self._copy("list_import_row", choice.rows)
        await self._copy("list_import_phone", choice.row_phones)
        if batch.consents:
            await self._record(batch.consents)
        if batch.wishes:
            await self._keep_wishes(batch.wishes)
        await self._draw(len(batch.lines))

    async def _draw(self, most: int) -> None:
        """Have numbers for so many contacts."""
        if len(self._ids) < most:
            self._ids.extend(await self._fetch(self._queries.draw_contacts, most - len(self._ids)))

    async def _settle(self) -> None:
        """Wait until what was chosen is written; the connection is free then."""
        storing, self._storing = self._storing, None
        if storing is not None:
            await storing

    async def stop(self) -> None:
        """Wait for the write under way; for the end of a failed import, before its rollback.

        Not cancelled: asyncpg (0.32) sends a request to cancel over a connection of its own, and
        where the server has ended this one, both wait for ever.
        """
        storing, self._storing = self._storing, None
        if storing is not None:
            await asyncio.wait([storing])
            if not storing.cancelled():
                storing.exception()  # looked at: who stops this tells of another error already

    async def _known(self, batch: Batch, place: Place) -> dict[str, bool]:
        """Phones that the list has, of the batch at least; whether from before the file."""
        if self._seen is not None:
            return self._seen
        numbers = [e164 for numbers in batch.numbers for e164 in phones_of(numbers)]
        rows = await self._rows(self._queries.find_known, place.list_id, numbers)
        return {row["e164"]: row["contact_id"] < place.first_contact for row in rows}

    async def finish(self) -> None:
        """Do what needs all rows; the list is there then, even if nothing went in."""
        await self._settle()
        place = self._place or await self._make_list()
        if self._update:
            for analyze in ("analyze_rows", "analyze_phones"):
                await self._execute(self._queries[analyze])
        await self._look_elsewhere(place)
        if self._order.on_duplicate != "add":
            await self._withdraw(place)
        changed = await self._update_known(place) if self._update else set()
        if self._wishes:
            changed |= await self._wish(place)
        self.updated = len(changed)
        await self._execute(self._queries.hold_list, place.list_id)
        if self.accepted:
            made = self._queries.make_leads, place.list_id, place.first_contact
            (self.leads,) = await self._fetch(*made)
        row = (await self._rows(self._queries.count_left))[0]
        self.duplicates = Duplicates(**row)
        if self.consents:
            details = {"consents": self.consents}
            what = self._order.actor, "consents_imported", f"list {self.list_id}", details
            await self._execute(CONSENT.note, *what)  # proofs: who brought them is kept

    async def _look_elsewhere(self, place: Place) -> None:
        queries, others = self._queries, self._others
        if not others or not (self.phones or self._update):
            await self._execute(queries.nothing_elsewhere)
            return
        await self._execute(queries.choose_way, self.phones, len(others))
        await self._execute(queries.find_elsewhere, place.list_id, place.first_contact, others)
        await self._execute(queries.forget_way)
        if self._update:
            await self._execute(queries.find_staged_elsewhere, others)
        if self._order.days is not None:
            await self._execute(queries.forget_older, self._order.days)

    async def _withdraw(self, place: Place) -> None:
        """Phones that other lists have go again, and contacts which have no others."""
        queries = self._queries
        (phones,) = await self._fetch(queries.withdraw_phones, place.list_id, place.first_contact)
        if phones:
            (contacts,) = await self._fetch(queries.withdraw_contacts)
            await self._execute(queries.close_gaps)
            self.phones -= phones
            self.accepted -= contacts

    async def _update_known(self, place: Place) -> set[int]:
        """The contacts that their rows changed."""
        queries = self._queries
        await self._execute(queries.note_known, place.list_id, place.first_contact)
        changed = await self._fetch(queries.update_contacts)
        grown = await self._fetch(queries.add_phones_of_known, place.list_id)
        self.phones += len(grown)
        return {*changed, *grown}

    async def _keep_wishes(self, wishes: str) -> None:
        if not self._wishes:
            await self._execute(self._queries.stage_wishes)
        self._wishes = True
        await self._copy("list_import_wish", [wishes])

    async def _wish(self, place: Place) -> set[int]:
        """Who comes first and whose they are: contacts get it, and leads that they have already.

        Returns the contacts changed that were there before.
        """
        await self._execute(self._queries.analyze_wishes)
        what = place.list_id, place.first_contact, self._update
        fresh = await self._rows(self._queries.wish_contacts, *what)
        changed = [row["id"] for row in fresh]
        if fresh:
            told = [row["priority"] for row in fresh], [row["owner_id"] for row in fresh]
            (leads,) = await self._fetch(self._queries.wish_leads, changed, *told)
            details = {"changed": leads}
            subject = f"list {self.list_id}"
            await self._execute(self._queries.note_leads, self._order.actor, subject, details)
        return set(changed)

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
            self._order.actor,
            timeout=STATEMENT_TIMEOUT_S,
        )
        self.consents += len(fresh)
        if fresh:
            phones = [row["e164"] for row in fresh]
            await self._execute(CONSENT.wake, floor_id, phones)

    async def _make_list(self) -> Place:
        queries, order = self._queries, self._order
        ((list_id, is_new),) = await self._rows(queries.make_list, *self._list)
        self._seen = {} if is_new else None
        (first_contact,) = await self._fetch(queries.first_contact)
        others: list[int] = []
        if self._campaign_id is not None:
            others = await self._fetch(queries.lists_of_campaign, self._campaign_id)
        elif order.days is not None:
            others = await self._fetch(queries.lists_of_floor, self._list[0])
        self.list_id, self._others = list_id, [other for other in others if other != list_id]
        self._place = Place(list_id, first_contact, self._codes, self._update)
        return self._place

    async def _copy(self, table: str, lines: list[str], columns: Sequence[str] = ()) -> None:
        if lines:
            text = "".join(lines).encode()
            await copy_in(
                self._connection, table, text,
                columns=columns or None, timeout_s=STATEMENT_TIMEOUT_S,
            )  # fmt: skip

    async def _execute(self, query: str, *values: object) -> None:
        await self._connection.execute(query, *values, timeout=STATEMENT_TIMEOUT_S)

    async def _rows(self, query: str, *values: object) -> list[asyncpg.Record]:
        return await self._connection.fetch(query, *values, timeout=STATEMENT_TIMEOUT_S)

    async def _fetch(self, query: str, *values: object) -> list[int]:
        """The first column, as numbers."""
        return [row[0] for row in await self._rows(query, *values)]
