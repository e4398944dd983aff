"""The talk at a desk: the script for this person, what may come of it, what is to be filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog

from campaigns.callbacks.service import CallbackError, CallbackService
from campaigns.campaign.kinds import Value
from campaigns.campaign.model import CampaignError
from campaigns.dispositions.model import STANDARD, Disposal, read_answers
from campaigns.refusals import Refusal
from campaigns.scripts.model import ATTRIBUTE, rendered
from dialer.database.pool import Pool
from dialer.database.queries import Queries

if TYPE_CHECKING:
    import asyncpg

log = structlog.get_logger(__name__)

SQL = Queries.load("campaigns.dispositions")
QUERY_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Talk:
    """What a desk shows of a conversation; `script` are steps with the person's own words in."""

    attempt_id: UUID
    campaign_id: int
    campaign: str
    contact: Mapping[str, Any]
    script: Sequence[Mapping[str, Value]]
    form: Sequence[Mapping[str, Value]]
    dispositions: Sequence[Mapping[str, Value]]

    def check(self, disposal: Disposal) -> dict[str, Value]:
        """The answers in their kept form.

        Raises Refusal `unknown_disposition`, `bad_answers`, `no_callback`.
        """
        chosen = next((d for d in self.dispositions if d["code"] == disposal.code), None)
        if chosen is None:
            known = ", ".join(str(d["code"]) for d in self.dispositions)
            raise Refusal(
                "unknown_disposition",
                f"no disposition {disposal.code!r}; one of: {known}",
                f"нет результата {disposal.code!r}; есть: {known}",
                status=422,
            )
        if disposal.callback_at is not None and "callback" not in chosen["flags"]:
            raise Refusal(
                "no_callback",
                f"{disposal.code} is no disposition with a callback; leave the time out",
                f"у результата {disposal.code} нет перезвона; время не указывайте",
                status=422,
            )
        return read_answers(self.form, chosen["requires"], disposal.answers or {})


class TalkService:
    """Use cases of conversations of one floor."""

    def __init__(self, pool: Pool, floor_id: int) -> None:
        self._pool, self._floor_id = pool, floor_id

    async def talk(self, attempt_id: UUID, login: str) -> Talk:
        """What belongs to the conversation of an attempt with the operator `login`.

        Of an attempt without a row (its commit is not known yet) it is the standard set alone.
        """
        row = await self._pool.fetchrow(SQL.talk, attempt_id, login, timeout=QUERY_TIMEOUT_S)
        if row is None:
            return Talk(attempt_id, 0, "", {}, (), (), STANDARD)
        return Talk(
            row["id"],
            row["campaign_id"],
            row["campaign"],
            {
                "name": row["contact_name"],
                "company": row["contact_company"],
                "attributes": row["attributes"],
            },
            rendered(row["script"], _values(row)),
            row["form"],
            row["dispositions"],
        )

    async def call_back(
        self, connection: Any, attempt_id: UUID, login: str, disposal: Disposal
    ) -> None:
        """The callback that was agreed on in the conversation, inside the caller's transaction."""
        assert disposal.callback_at is not None
        operator = login if disposal.callback_same_operator else None
        try:
            async with connection.transaction():
                await CallbackService(self._pool, self._floor_id).add_for_attempt(
                    connection,
                    attempt_id,
                    disposal.callback_at,
                    login,
                    operator=operator,
                    note=disposal.note,
                )
        except CallbackError as error:  # the operator was taken off the staff, say
            log.error("callback_not_kept", attempt=str(attempt_id), problem=str(error))

    async def of_campaign(self, name: str) -> dict[str, Any]:
        """`form` and `dispositions` of a campaign. Raises CampaignError `unknown_campaign`."""
        row = await self._pool.fetchrow(
            SQL.campaign_dispositions, self._floor_id, name, timeout=QUERY_TIMEOUT_S
        )
        if row is None:
            raise CampaignError(
                "unknown_campaign",
                f"there is no campaign {name!r}",
                f"нет кампании {name!r}",
                status=404,
            )
        return {"campaign": name, "form": row["form"], "dispositions": row["dispositions"]}


async def write_dispositions(
    connection: Any, campaign_id: int, dispositions: Sequence[Mapping[str, Value]]
) -> None:
    """The set of a campaign; what is not in it is not offered any more."""
    rows = [{**item, "position": index} for index, item in enumerate(dispositions)]
    await connection.execute(SQL.write_dispositions, campaign_id, rows)


def _values(row: asyncpg.Record) -> dict[str, str]:
    """What placeholders stand for."""
    own = {
        "contact.name": row["contact_name"],
        "contact.company": row["contact_company"],
        "operator.name": row["operator_name"],
        "campaign.name": row["campaign"],
    }
    return own | {f"{ATTRIBUTE}{key}": str(value) for key, value in row["attributes"].items()}
