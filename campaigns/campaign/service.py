"""Campaigns: make one from lists, approve, start, pause, finish, edit, and see how it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from campaigns.approval.model import Exemption
from campaigns.approval.model import check as check_approval
from campaigns.campaign import settings as registry
from campaigns.campaign.lawful import check_settings, check_start
from campaigns.campaign.model import (
    APPROVE,
    ARCHIVE,
    FINISH,
    LEAD_STATUSES,
    OUTCOMES,
    PAUSE,
    REOPEN,
    RESUME,
    START,
    WITHDRAW,
    CampaignError,
    CampaignState,
    CampaignStatus,
    Created,
    Edited,
    LastDecision,
    NewCampaign,
    Transition,
    Version,
    between,
    check_name,
    counts,
    edit_conflict,
    goals_of,
    may_edit,
)
from campaigns.dispositions.model import STANDARD
from campaigns.dispositions.service import write_dispositions
from campaigns.scripts.service import check_attributes
from dialer.database.pool import Connection, Pool
from dialer.database.queries import Queries

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    # Generic in the stubs alone, as dialer.database.pool has it.
    Session = Connection | PoolConnectionProxy[asyncpg.Record]

SQL = Queries.load("campaigns.campaign")
QUERY_TIMEOUT_S = 30.0
ANY_TRUNK = "any"
# A lead for each of some millions of contacts, in one statement.
LEADS_TIMEOUT_S = 900.0
BY_HAND = "by_hand"


class CampaignService:
    """Use cases of campaigns of one floor, dialed on the node named `node`.

    `actor` is who asks, for the audit. Wrong requests raise CampaignError.
    """

    def __init__(self, pool: Pool, floor_id: int, node: str) -> None:
        self._pool, self._floor_id, self._node = pool, floor_id, node

    # --- making and editing

    async def create(self, new: NewCampaign, actor: str) -> Created:
        """Makes the campaign, in draft, and a lead for every contact of its lists, or nothing.

        Raises CampaignError `bad_value`, `unknown_list`, `unknown_trunk`, `campaign_exists`.
        """
        given = {**new.settings, "trunks": list(new.trunks), "lists": list(new.lists)}
        settings = registry.complete(registry.read(given))
        return await self._make(new.name, settings, actor, "created")

    async def clone(self, name: str, new_name: str, actor: str) -> Created:
        """A draft with the settings of the campaign `name` and leads of its lists, none dialed.

        Raises CampaignError `unknown_campaign`, `campaign_exists`, `bad_value`.
        """
        settings = await self.settings(name)
        return await self._make(new_name, settings, actor, "cloned")

    async def edit(
        self,
        name: str,
        values: Mapping[str, Any],
        actor: str,
        *,
        version: int | None = None,
        whole: bool = False,
    ) -> Edited:
        """Changes settings, given as a file has them; a running campaign follows in seconds.

        `version`: the one that the editor saw; another one now is a conflict. `whole`: keys that
        are left out get their defaults. Raises CampaignError `unknown_campaign`, `bad_value`,
        `unknown_list`, `unknown_trunk`, `edit_conflict`, `approved_brief`, `wrong_state`.
        """
        values = registry.read(values)
        async with self._session() as connection, connection.transaction():
            row = await self._read(connection, name)
            if version is not None and version != row["version"]:
                editor = await connection.fetchval(SQL.last_editor, row["id"], row["version"])
                raise edit_conflict(name, version, row["version"], editor or "?")
            old = _settings(row)
            new = registry.complete({**({} if whole else old), **values})
            changed = registry.changes(old, new)
            frozen = [key for key in changed if registry.BY_NAME[key].frozen]
            may_edit(name, CampaignStatus(row["status"]), frozen)
            if not changed:
                return Edited(name, row["version"], {})
            leads = await self._store(connection, row["id"], new, changed, row["version"] + 1)
            await check_settings(connection, self._floor_id, row["id"], changed)
            await self._add_version(
                connection, row["id"], row["version"] + 1, actor, "edited", changed
            )
            details = {"version": row["version"] + 1, "changes": changed}
            await self._note(connection, actor, "campaign_edited", name, details)
        return Edited(name, row["version"] + 1, changed, leads)

    async def settings(self, name: str) -> dict[str, Any]:
        """All settings in their kept form, by key. Raises CampaignError `unknown_campaign`."""
        async with self._session() as connection, connection.transaction():
            return _settings(await self._read(connection, name))

    async def versions(self, name: str) -> list[Version]:
        """Who changed what, oldest first. Raises CampaignError `unknown_campaign`."""
        async with self._session() as connection, connection.transaction():
            row = await self._read(connection, name)
            rows = await connection.fetch(SQL.versions, row["id"])
        return [Version(**row) for row in rows]

    async def diff(self, name: str, old: int, new: int | None = None) -> dict[str, list[Any]]:
        """key -> [value at `old`, value at `new`]; without `new` the present version.

        Raises CampaignError `unknown_campaign`, `unknown_version`.
        """
        versions = await self.versions(name)
        known = [version.version for version in versions]
        new = new if new is not None else max(known, default=1)
        for wanted in (old, new):
            if wanted not in known:
                raise CampaignError(
                    "unknown_version",
                    f"the campaign {name!r} has no version {wanted}; see prozvon campaign versions",
                    f"у кампании {name!r} нет версии {wanted}; см. prozvon campaign versions",
                    status=404,
                )
        return between(versions, min(old, new), max(old, new))

    async def _make(
        self, name: str, settings: Mapping[str, Any], actor: str, action: str
    ) -> Created:
        check_name(name)
        if not settings["lists"] and settings["mode"] != "manual":
            raise CampaignError(
                "bad_value", "name at least one list", "укажите хотя бы одну базу", status=422
            )
        async with self._session() as connection, connection.transaction():
            campaign_id = await connection.fetchval(SQL.make_campaign, self._floor_id, name, actor)
            if campaign_id is None:
                raise _exists(name)
            changed = {key: [None, value] for key, value in settings.items()}
            leads = await self._store(connection, campaign_id, settings, changed, 1)
            await check_settings(connection, self._floor_id, campaign_id, changed)
            await self._add_version(connection, campaign_id, 1, actor, action, changed)
            details = {"lists": settings["lists"], "leads": leads}
            await self._note(connection, actor, f"campaign_{action}", name, details)
        return Created(campaign_id, name, leads)

    async def _store(
        self,
        connection: Session,
        campaign_id: int,
        settings: Mapping[str, Any],
        changed: Mapping[str, Any],
        version: int,
    ) -> int:
        """Writes settings where they belong; returns how many leads new lists brought."""
        await connection.execute(
            SQL.write_settings, campaign_id, registry.columns(settings), version
        )
        if "trunks" in changed:
            await self._use_trunks(connection, campaign_id, settings["trunks"])
        if "dispositions" in changed:
            await write_dispositions(connection, campaign_id, settings["dispositions"])
        if "lists" in changed or "script" in changed:
            await check_attributes(
                connection, self._floor_id, settings["script"], settings["lists"]
            )
        if "lists" in changed:
            return await self._use_lists(connection, campaign_id, settings["lists"])
        return 0

    async def _use_trunks(self, connection: Session, campaign_id: int, names: list[str]) -> None:
        ids = [await self._trunk_id(connection, name) for name in names]
        await connection.execute(SQL.set_trunk, campaign_id, ids[0] if ids else None)
        for position, trunk_id in enumerate(ids[1:], 1):
            await connection.execute(SQL.use_trunk, campaign_id, trunk_id, position)

    async def _use_lists(self, connection: Session, campaign_id: int, names: list[str]) -> int:
        await connection.execute(SQL.allow_long_work, f"{LEADS_TIMEOUT_S * 1000:.0f}")
        lists = await self._list_ids(connection, names)
        await connection.execute(SQL.drop_lists, campaign_id, lists, timeout=LEADS_TIMEOUT_S)
        await connection.execute(SQL.use_lists, campaign_id, lists)
        made: int = await connection.fetchval(SQL.make_leads, campaign_id, timeout=LEADS_TIMEOUT_S)
        return made

    async def _add_version(
        self,
        connection: Session,
        campaign_id: int,
        version: int,
        actor: str,
        action: str,
        changed: Mapping[str, Any],
    ) -> None:
        await connection.execute(
            SQL.add_version, campaign_id, version, actor, action, dict(changed)
        )

    # --- statuses

    async def approve(
        self, name: str, actor: str, exemptions: Sequence[Exemption] = ()
    ) -> CampaignStatus:
        """From draft to approved, when its brief is complete and breaks no moratorium.

        Raises CampaignError `unknown_campaign`, `wrong_state`, `brief_incomplete`, `moratorium`,
        `bad_exception`.
        """
        lifted = [asdict(exemption) for exemption in exemptions]
        async with self._session() as connection, connection.transaction():
            row = await self._read(connection, name)
            APPROVE.from_(CampaignStatus(row["status"]), name)
            check_approval(name, _settings(row), exemptions)
            await connection.execute(SQL.approve, row["id"], actor, lifted)
            return await self._change(connection, name, APPROVE, actor, details=lifted)

    async def withdraw(self, name: str, actor: str) -> CampaignStatus:
        """From approved back to draft: the brief may be edited again."""
        async with self._session() as connection, connection.transaction():
            row = await self._find(connection, name)
            await connection.execute(SQL.take_approval_back, row["id"])
            return await self._change(connection, name, WITHDRAW, actor)

    async def start(
        self, name: str, actor: str, trunks: Sequence[str], reason: str = BY_HAND
    ) -> CampaignStatus:
        """From approved or paused to running. `trunks`: names that the settings have.

        Raises CampaignError `unknown_campaign`, `wrong_state`, `not_approved`, `no_leads`,
        `no_trunk`.
        """
        return await self._run(name, START, actor, trunks, reason)

    async def resume(
        self, name: str, actor: str, trunks: Sequence[str], reason: str = BY_HAND
    ) -> CampaignStatus:
        """From paused to running. Raises as `start` does."""
        return await self._run(name, RESUME, actor, trunks, reason)

    async def pause(self, name: str, actor: str, reason: str = BY_HAND) -> CampaignStatus:
        """From running to paused: no new calls; conversations go on."""
        return await self._move(name, PAUSE, actor, reason)

    async def finish(self, name: str, actor: str, reason: str = BY_HAND) -> CampaignStatus:
        """From running or paused to finished. `reopen` makes it paused again."""
        return await self._move(name, FINISH, actor, reason)

    async def reopen(self, name: str, actor: str) -> CampaignStatus:
        """From finished to paused."""
        return await self._move(name, REOPEN, actor)

    async def archive(self, name: str, actor: str) -> CampaignStatus:
        """From draft, approved or finished to archived, for ever; a clone begins anew."""
        return await self._move(name, ARCHIVE, actor)

    async def status(self, name: str | None = None) -> list[CampaignState]:
        """How the campaigns stand, oldest first. Raises CampaignError `unknown_campaign`."""
        async with self._session() as connection:
            rows = await connection.fetch(SQL.campaigns, self._floor_id, name)
            if name is not None and not rows:
                raise _unknown(name)
            ids = [row["id"] for row in rows]
            leads = await connection.fetch(SQL.leads_by_status, ids)
            attempts = await connection.fetch(SQL.attempts_by_outcome, ids)
            decisions = await connection.fetch(SQL.last_decisions, ids)
            told = {row["campaign_id"]: _decision(row) for row in decisions}
        return [
            _state(row, _of(row, leads), _of(row, attempts), told.get(row["id"])) for row in rows
        ]

    async def _run(
        self,
        name: str,
        transition: Transition,
        actor: str,
        trunks: Sequence[str],
        reason: str,
    ) -> CampaignStatus:
        async with self._session() as connection, connection.transaction():
            row = await self._find(connection, name)
            transition.from_(CampaignStatus(row["status"]), name)
            _check_startable(name, row, trunks)
            await check_start(connection, self._floor_id, row["id"])
            return await self._change(connection, name, transition, actor, reason)

    async def _move(
        self, name: str, transition: Transition, actor: str, reason: str = BY_HAND
    ) -> CampaignStatus:
        async with self._session() as connection, connection.transaction():
            await self._find(connection, name)
            return await self._change(connection, name, transition, actor, reason)

    async def _change(
        self,
        connection: Session,
        name: str,
        transition: Transition,
        actor: str,
        reason: str = BY_HAND,
        details: Any = None,
    ) -> CampaignStatus:
        old, new = list(transition.old), transition.new
        changed = await connection.fetchval(
            SQL.change_status, self._floor_id, name, old, new, actor, reason
        )
        if changed is None:
            row = await self._find(connection, name)
            transition.from_(CampaignStatus(row["status"]), name)
        noted = {} if reason == BY_HAND else {"reason": reason}
        if details:
            noted["exceptions"] = details
        await self._note(connection, actor, f"campaign_{new}", name, noted)
        return new

    # --- rows

    def _session(self) -> Any:
        return self._pool.acquire(timeout=QUERY_TIMEOUT_S)

    async def _find(self, connection: Session, name: str) -> asyncpg.Record:
        return await self._one(connection, SQL.find_campaign, name)

    async def _read(self, connection: Session, name: str) -> asyncpg.Record:
        return await self._one(connection, SQL.read_campaign, name)

    async def _one(self, connection: Session, query: str, name: str) -> asyncpg.Record:
        row = await connection.fetchrow(query, self._floor_id, name)
        if row is None:
            raise _unknown(name)
        return row

    async def _list_ids(self, connection: Session, names: Sequence[str]) -> list[int]:
        rows = await connection.fetch(SQL.find_lists, self._floor_id, list(names))
        ids = {row["name"]: row["id"] for row in rows}
        unknown = sorted(set(names) - set(ids))
        if unknown:
            raise _unknown_list(unknown)
        return [ids[name] for name in names]

    async def _trunk_id(self, connection: Session, name: str) -> int:
        trunk_id: int | None = await connection.fetchval(SQL.find_trunk, self._node, name)
        if trunk_id is None:
            rows = await connection.fetch(SQL.trunks_of_node, self._node)
            names = ", ".join(row["name"] for row in rows)
            raise CampaignError(
                "unknown_trunk",
                f"the node {self._node!r} has no trunk {name!r}; it has: {names or 'none'} (the "
                "settings' [[trunks]])",
                f"на узле {self._node!r} нет транка {name!r}; есть: {names or 'ни одного'} "
                "([[trunks]] в настройках)",
            )
        return trunk_id

    async def _note(
        self, connection: Session, actor: str, action: str, name: str, details: dict[str, Any]
    ) -> None:
        await connection.execute(SQL.note, actor, action, f"campaign {name}", details)


def _settings(row: asyncpg.Record) -> dict[str, Any]:
    """All settings of a row of `read_campaign`, in the order of the registry."""
    found = {
        **registry.from_row(row["settings"]),
        "trunks": list(row["trunks"]),
        "dispositions": row["dispositions"] or STANDARD,
        "lists": list(row["lists"]),
    }
    return {key.name: found[key.name] for key in registry.KEYS}


def _check_startable(name: str, row: asyncpg.Record, trunks: Sequence[str]) -> None:
    named = row["trunks"]
    if not trunks or (named and not set(named) & set(trunks)):
        quoted = [repr(trunk) for trunk in named]
        over = f"the trunk {' or '.join(quoted)}" if named else "any trunk"
        through = f"транк {' или '.join(quoted)}" if named else "любой транк"
        raise CampaignError(
            "no_trunk",
            f"the campaign {name!r} dials over {over}, which the settings do not have (they have: "
            f"{', '.join(trunks) or 'none'}); add it to [[trunks]], or edit the campaign's trunks",
            f"кампания {name!r} звонит через {through}, а в настройках такого нет (есть: "
            f"{', '.join(trunks) or 'ни одного'}); добавьте его в [[trunks]] или смените транки "
            "кампании",
        )
    if row["mode"] == "manual":
        return  # operators type numbers
    if not row["has_leads"]:
        raise CampaignError(
            "no_leads",
            f"the campaign {name!r} has no leads: its lists were empty when it was made",
            f"в кампании {name!r} нет лидов: её базы были пустыми, когда её создали",
        )
    if not row["has_work"]:
        raise CampaignError(
            "no_leads",
            f"every lead of the campaign {name!r} is done; add another list to it",
            f"все лиды кампании {name!r} отработаны; добавьте ей другую базу",
        )


def _unknown(name: str) -> CampaignError:
    return CampaignError(
        "unknown_campaign",
        f"there is no campaign {name!r}; see `prozvon campaign status`",
        f"нет кампании {name!r}; см. `prozvon campaign status`",
        status=404,
    )


def _unknown_list(names: list[str]) -> CampaignError:
    shown = [repr(name) for name in names]
    return CampaignError(
        "unknown_list",
        f"there is no list named {' or '.join(shown)}; see `prozvon list show`, or import one: "
        "prozvon list import FILE",
        f"нет базы {' или '.join(shown)}; см. `prozvon list show` или загрузите: prozvon list "
        "import ФАЙЛ",
        status=404,
    )


def _exists(name: str) -> CampaignError:
    return CampaignError(
        "campaign_exists",
        f"there is a campaign {name!r} already; choose another name",
        f"кампания {name!r} уже есть; выберите другое название",
    )


def _of(campaign: asyncpg.Record, rows: list[asyncpg.Record]) -> list[asyncpg.Record]:
    return [row for row in rows if row["campaign_id"] == campaign["id"]]


def _decision(row: asyncpg.Record) -> LastDecision:
    reason, reason_ru = row["reason"], row["reason_ru"]
    return LastDecision(row["at"], row["placed"], row["limited_by"], reason, reason_ru)


def _state(
    row: asyncpg.Record,
    leads: list[asyncpg.Record],
    attempts: list[asyncpg.Record],
    decision: LastDecision | None,
) -> CampaignState:
    outcomes = {r["outcome"]: r["count"] for r in attempts}
    conversations = sum(r["conversations"] for r in attempts)
    return CampaignState(
        name=row["name"],
        status=CampaignStatus(row["status"]),
        mode=row["mode"],
        trunk=", ".join(row["trunks"]) or ANY_TRUNK,
        lists=tuple(row["lists"]),
        leads=counts({r["status"]: r["count"] for r in leads}, LEAD_STATUSES),
        attempts=sum(outcomes.values()),
        in_progress=outcomes.pop(None, 0),
        outcomes=counts(outcomes, OUTCOMES),
        conversations=conversations,
        last_decision=decision,
        reason=row["status_reason"],
        since=row["status_since"],
        by=row["status_by"],
        version=row["version"],
        goals=goals_of(dict(row), conversations),
    )
