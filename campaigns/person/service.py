"""Personal data on request: all that is known of a person, and its end."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import Any

from campaigns.person.model import ERASED_PREFIX, Erased, Known, PersonError, Who, checked_reason
from dialer.database.pool import Pool
from dialer.database.queries import Queries
from monitoring.recordings.service import SQL as RECORDINGS

SQL = Queries.load("campaigns.person")
QUERY_TIMEOUT_S = 120.0


class PersonService:
    """Use cases of one floor. Wrong requests raise PersonError; every use is in the audit."""

    def __init__(self, pool: Pool, floor_id: int, region: str = "RU") -> None:
        self._pool, self._floor_id, self._region = pool, floor_id, region

    async def export(self, who: Who, actor: str) -> Known:
        """All that the floor knows, as JSON has it. Raises PersonError `unknown_person`."""
        async with (
            self._pool.acquire(timeout=QUERY_TIMEOUT_S) as connection,
            connection.transaction(isolation="repeatable_read"),
        ):
            known = await self._known(connection, who)
            contacts = [contact["id"] for contact in known["contacts"]]
            await self._note(connection, actor, "person_exported", known, {"contacts": contacts})
        return known

    async def erase(self, who: Who, actor: str, reason: str) -> Erased:
        """Forget the person; the numbers stay on do-not-call, the calls without who they were.

        First nobody dials the person any more, then the recordings go, then the rest, all or
        nothing: what was refused in the middle is done by asking again. Raises PersonError
        `no_reason`, `unknown_person`, `person_in_call`, `recording_waits`, `recording_not_deleted`.
        """
        reason = checked_reason(reason)
        async with (
            self._pool.acquire(timeout=QUERY_TIMEOUT_S) as connection,
            connection.transaction(),
        ):
            known = await self._known(connection, who)
            await self._refuse_living(connection, known)
            await self._stop(connection, known, actor)
        deleted = [await self._delete(one, actor) for one in known["recordings"]]
        async with (
            self._pool.acquire(timeout=QUERY_TIMEOUT_S) as connection,
            connection.transaction(),
        ):
            await self._refuse_living(connection, known)
            await self._blank(connection, known)
            done = Erased(
                len(known["contacts"]), len(known["leads"]), len(known["attempts"]),
                sum(deleted), len(known["numbers"]),
            )  # fmt: skip
            details = {"reason": reason, "attempts": done.attempts, "recordings": done.recordings}
            await self._note(connection, actor, "person_erased", known, details)
        return done

    async def _known(self, connection: Any, who: Who) -> dict[str, Any]:
        floor, e164 = self._floor_id, who.e164(self._region)

        async def rows(query: str, *values: object) -> list[dict[str, Any]]:
            found = await connection.fetch(query, *values, timeout=QUERY_TIMEOUT_S)
            return [dict(row) for row in found]

        contacts = await rows(SQL.contacts, floor, e164, who.contact_id)
        numbers = sorted({n for c in contacts for n in c["phones"]} | ({e164} if e164 else set()))
        leads = await rows(SQL.leads, [contact["id"] for contact in contacts])
        lead_ids = [lead["id"] for lead in leads]
        attempts = await rows(SQL.attempts, floor, numbers, lead_ids)
        attempt_ids = [attempt["id"] for attempt in attempts]
        known: dict[str, Any] = {
            "numbers": numbers,
            "contacts": contacts,
            "leads": leads,
            "attempts": attempts,
            "recordings": await rows(SQL.recordings, attempt_ids),
            "consents": await rows(SQL.consents, floor, numbers),
            "callbacks": await rows(SQL.callbacks, lead_ids),
            "do_not_call": await rows(SQL.forbidden, floor, numbers),
        }
        if not any(known[part] for part in known if part != "numbers"):
            raise PersonError(
                "unknown_person",
                "nothing is known of this person on this floor",
                "на этой площадке об этом человеке ничего нет",
                status=404,
            )
        subjects = [f"contact {contact['id']}" for contact in contacts]
        subjects += [f"lead {lead}" for lead in lead_ids]
        subjects += [f"attempt {attempt}" for attempt in attempt_ids]
        subjects += [f"consent {consent['id']}" for consent in known["consents"]]
        return {**known, "audit": await rows(SQL.audit, subjects)}

    async def _refuse_living(self, connection: Any, known: Known) -> None:
        leads, attempts = _ids(known, "leads"), _ids(known, "attempts")
        values = (self._floor_id, known["numbers"], leads)
        if await connection.fetchval(SQL.living, *values, timeout=QUERY_TIMEOUT_S):
            raise PersonError(
                "person_in_call",
                "this person is being called now; erase after the call",
                "этому человеку сейчас звонят; повторите после звонка",
            )
        if await connection.fetchval(SQL.recordings_wait, attempts):
            raise PersonError(
                "recording_waits",
                "a recording of this person is not finished yet; serve does it, try in a minute",
                "запись разговора ещё не закончена; её закончит serve, повторите через минуту",
            )

    async def _stop(self, connection: Any, known: Known, actor: str) -> None:
        leads, numbers = _ids(known, "leads"), known["numbers"]
        await connection.execute(SQL.forbid, self._floor_id, numbers, actor)
        await connection.execute(SQL.withdraw, self._floor_id, numbers)
        await connection.execute(SQL.stop, leads)
        await connection.execute(SQL.leave_queue, leads)

    async def _delete(self, recording: Any, actor: str) -> bool:
        if recording["path"] is None or recording["deleted_at"] is not None:
            return False
        try:
            await asyncio.to_thread(Path(recording["path"]).unlink, missing_ok=True)
        except OSError as error:
            raise PersonError(
                "recording_not_deleted",
                f"a recording cannot be deleted ({error.strerror}); mend that and ask again",
                f"запись не удаляется ({error.strerror}); исправьте это и повторите",
            ) from error
        attempt = recording["attempt_id"]
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(RECORDINGS.deleted, attempt, actor)
            subject = f"attempt {attempt}"
            await connection.execute(SQL.note, actor, "recording_deleted", subject, {})
        return True

    async def _blank(self, connection: Any, known: Known) -> None:
        contacts, leads = _ids(known, "contacts"), _ids(known, "leads")
        words = [f"{ERASED_PREFIX}{secrets.token_hex(8)}" for _ in known["numbers"]]
        await connection.execute(
            SQL.blank_attempts, _ids(known, "attempts"), known["numbers"], words,
            timeout=QUERY_TIMEOUT_S,
        )  # fmt: skip
        await connection.execute(SQL.blank_skips, leads)
        await connection.execute(SQL.drop_callbacks, leads)
        await connection.execute(SQL.drop_phones, contacts)
        await connection.execute(SQL.blank_contacts, contacts)

    async def _note(
        self, connection: Any, actor: str, action: str, known: Known, details: dict[str, Any]
    ) -> None:
        contacts = _ids(known, "contacts")
        subject = f"contact {contacts[0]}" if contacts else "a number without contact"
        await connection.execute(SQL.note, actor, action, subject, details)


def _ids(known: Known, part: str) -> list[Any]:
    return [row["id"] for row in known[part]]
