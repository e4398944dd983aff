"""Staff: add, list, remove, and see to it that everybody has a phone and nobody else."""

from __future__ import annotations

from typing import Any, Protocol

import structlog

from campaigns.by_hand.model import masked
from campaigns.operators.model import (
    ROLES,
    NewOperator,
    OperatorError,
    PhoneLogin,
    PhoneSettings,
    Provisioned,
    StaffMember,
    check,
    check_team,
    new_phone,
)
from dialer.asterisk.phones import PhoneKind
from dialer.database.pool import Pool
from dialer.database.queries import Queries

log = structlog.get_logger(__name__)

SQL = Queries.load("campaigns.operators")
QUERY_TIMEOUT_S = 10.0


class Phones(Protocol):
    """What is needed of `dialer.asterisk.phones.PhoneProvisioner`."""

    async def provisioned(self) -> set[str]: ...

    async def add(self, login: str, *, ha1: str, kind: PhoneKind) -> None: ...

    async def remove(self, login: str) -> None: ...


class OperatorService:
    """Use cases of staff of one floor. `actor` is who asks, for the audit.

    Phones are a step of their own (`provision_missing`), because the node may be down while
    people join and leave.
    """

    def __init__(self, pool: Pool, floor_id: int) -> None:
        self._pool, self._floor_id = pool, floor_id

    async def add(self, new: NewOperator, actor: str) -> PhoneLogin:
        """Adds an operator; the phone login returned is not kept and cannot be shown again.

        Raises OperatorError `bad_value`, `operator_exists`.
        """
        check(new)
        phone = new_phone(new.login)
        values = (new.login, new.full_name.strip(), new.stage, list(new.skills), phone.ha1)
        async with self._session() as connection, connection.transaction():
            added = await connection.fetchval(SQL.add_operator, self._floor_id, *values)
            if added is None:
                raise OperatorError(
                    "operator_exists",
                    f"there is an operator {new.login} already; choose another",
                    f"оператор {new.login} уже есть; выберите другой логин",
                )
            details = {"stage": new.stage, "skills": list(new.skills)}
            await self._note(connection, actor, "operator_added", new.login, details)
        log.info("operator_added", login=new.login)
        return phone

    async def staff(self) -> list[StaffMember]:
        """Everybody on the staff, by login."""
        async with self._session() as connection:
            rows = await connection.fetch(SQL.operators, self._floor_id)
        return [_member(row) for row in rows]

    async def remove(self, login: str, actor: str) -> None:
        """Takes an operator off the staff; conversations and reports stay.

        Raises OperatorError `unknown_operator`, `signed_in`.
        """
        async with self._session() as connection, connection.transaction():
            row = await connection.fetchrow(SQL.find_operator, self._floor_id, login)
            if row is None:
                raise unknown_operator(login)
            if await connection.fetchval(SQL.remove_operator, row["id"]) is None:
                raise _signed_in(login, row["signed_in_at"])
            await self._note(connection, actor, "operator_removed", login, {})
        log.info("operator_removed", login=login)

    async def set_role(self, login: str, role: str, actor: str) -> None:
        """Raises OperatorError `bad_value`, `unknown_operator`."""
        if role not in ROLES:
            roles = ", ".join(ROLES)
            raise OperatorError(
                "bad_value", f"the role is one of {roles}", f"роль: одна из {roles}"
            )
        async with self._session() as connection, connection.transaction():
            if await connection.fetchval(SQL.set_role, self._floor_id, login, role) is None:
                raise unknown_operator(login)
            await self._note(connection, actor, "operator_role", login, {"role": role})

    async def set_team(self, login: str, team: str, actor: str) -> str:
        """The team as it is kept; "" takes the operator out of it. Reports count by the team that
        somebody is in when they are opened. Raises OperatorError `bad_value`, `unknown_operator`.
        """
        name = check_team(team)
        async with self._session() as connection, connection.transaction():
            if await connection.fetchval(SQL.set_team, self._floor_id, login, name) is None:
                raise unknown_operator(login)
            await self._note(connection, actor, "operator_team", login, {"team": name})
        return name

    async def set_phone(self, login: str, phone: PhoneSettings, actor: str) -> bool:
        """How somebody's phone is called, from the next sign-in on; whether they are signed in now.

        `phone` comes from `model.check_phone`. Raises OperatorError `unknown_operator`.
        """
        number = masked(phone.number) if phone.number else None
        async with self._session() as connection, connection.transaction():
            values = (self._floor_id, login, phone.mode, phone.number)
            row = await connection.fetchrow(SQL.set_phone, *values)
            if row is None:
                raise unknown_operator(login)
            details = {"mode": phone.mode, "number": number}
            await self._note(connection, actor, "operator_phone_mode", login, details)
        log.info("operator_phone_mode", login=login, mode=phone.mode, outside=bool(number))
        return bool(row["signed_in"])

    async def phone(self, login: str) -> PhoneSettings:
        """How somebody's phone is called. Raises OperatorError `unknown_operator`."""
        async with self._session() as connection:
            row = await connection.fetchrow(SQL.phone_of, self._floor_id, login)
        if row is None:
            raise unknown_operator(login)
        return PhoneSettings(row["phone_mode"], row["phone_number"])

    async def set_phone_kind(self, login: str, kind: PhoneKind, actor: str) -> str:
        """Which phone somebody uses; returns the digest to give to the node.

        A browser phone is made by `BrowserPhones.issue` and not here. Raises OperatorError
        `bad_value`, `unknown_operator`.
        """
        if kind is PhoneKind.BROWSER:
            raise OperatorError(
                "bad_value",
                f"a browser needs a login: prozvon operator browser-phone {login}",
                f"браузеру нужен логин: prozvon operator browser-phone {login}",
            )
        async with self._session() as connection, connection.transaction():
            row = await connection.fetchrow(SQL.set_phone_kind, self._floor_id, login, kind.value)
            if row is None:
                raise unknown_operator(login)
            await connection.execute(SQL.end_browser_login, row["id"])
            await self._note(connection, actor, "operator_phone", login, {"kind": kind.value})
        ha1: str = row["phone_ha1"]
        return ha1

    async def provision_missing(self, phones: Phones) -> Provisioned:
        """Gives a phone to those of the staff who have none on the node, takes it from former ones.

        Safe to repeat. Raises what `phones` raises.
        """
        present = await phones.provisioned()
        async with self._session() as connection:
            wanted = await connection.fetch(SQL.phones, self._floor_id)
            former = await connection.fetch(SQL.former_logins, sorted(present))
        missing = [row for row in wanted if row["push"] or row["login"] not in present]
        for row in missing:
            kind = PhoneKind(row["phone_kind"])
            await phones.add(row["login"], ha1=row["phone_ha1"], kind=kind)
        for row in former:
            await phones.remove(row["login"])
        return Provisioned(
            tuple(row["login"] for row in missing), tuple(row["login"] for row in former)
        )

    def _session(self) -> Any:
        return self._pool.acquire(timeout=QUERY_TIMEOUT_S)

    async def _note(
        self, connection: Any, actor: str, action: str, login: str, details: dict[str, Any]
    ) -> None:
        await connection.execute(SQL.note, actor, action, f"operator {login}", details)


def _member(row: Any) -> StaffMember:
    values = {**row, "skills": tuple(row["skills"])}
    if values["phone_number"]:
        values["phone_number"] = masked(values["phone_number"])
    return StaffMember(**values)


def unknown_operator(login: str) -> OperatorError:
    return OperatorError(
        "unknown_operator",
        f"there is no operator {login}; see `prozvon operator list`",
        f"нет оператора {login}; список: prozvon operator list",
        status=404,
    )


def _signed_in(login: str, since: Any) -> OperatorError:
    moment = f"{since:%Y-%m-%d %H:%M} UTC" if since else ""
    when, when_ru = (f" since {moment}", f" с {moment}") if moment else ("", "")
    return OperatorError(
        "signed_in",
        f"{login} is signed in{when}; sign the operator out first: "
        f"prozvon operator sign-out {login}",
        f"{login} сейчас в системе{when_ru}; сначала выведите оператора: "
        f"prozvon operator sign-out {login}",
    )
