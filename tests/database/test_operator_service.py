"""Staff on a real database; phones on a real node that was down, and is not ours alone."""

import asyncio
import dataclasses
import hashlib
from typing import Any

import aiohttp
import pytest

from campaigns.operators.model import NewOperator, OperatorError
from campaigns.operators.service import OperatorService
from dialer.asterisk.phones import PhoneKind, PhoneProvisioner, PhonesError
from dialer.database.pool import Pool
from dialer.ids import SIP_REALM
from tests.database.staff import ROWS, TestFloor, after
from tests.fixtures_asterisk import Floor, Pbx, connected
from tests.ports import free_port

ANNA = NewOperator("anna", "Анна Иванова", "sale", ("tax", "english"))


@pytest.fixture
async def floor(pool: Pool) -> TestFloor:
    return await TestFloor.make(pool)


@pytest.fixture
def service(floor: TestFloor) -> OperatorService:
    return OperatorService(floor.pool, floor.id)


async def refused(id: str, work: Any) -> str:
    with pytest.raises(OperatorError) as caught:
        await work
    assert caught.value.id == id
    # In Russian the sentence is another one, not the English one again.
    assert any("а" <= letter <= "я" for letter in caught.value.to("ru"))
    return str(caught.value)


async def test_an_operator_joins_with_a_phone_login(
    floor: TestFloor, service: OperatorService
) -> None:
    phone = await service.add(ANNA, "olga")
    assert phone.username == "op-anna"
    assert len(phone.password) == 16
    digest = hashlib.md5(f"op-anna:{SIP_REALM}:{phone.password}".encode()).hexdigest()
    assert phone.ha1 == digest
    (member,) = await service.staff()
    assert (member.login, member.full_name, member.stage) == ("anna", "Анна Иванова", "sale")
    assert (member.skills, member.signed_in_at) == (("tax", "english"), None)
    (note,) = await floor.pool.fetch(ROWS.audit)
    assert (note["actor"], note["action"], note["subject"]) == (
        "olga",
        "operator_added",
        "operator anna",
    )
    assert "Анна" not in str(note["details"])


async def test_a_login_is_used_once_also_by_two_at_a_time(service: OperatorService) -> None:
    twice = [service.add(ANNA, "olga") for _ in range(2)]
    results = await asyncio.gather(*twice, return_exceptions=True)
    errors = [result for result in results if isinstance(result, OperatorError)]
    assert [error.id for error in errors] == ["operator_exists"]
    assert len(await service.staff()) == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"login": "Anna"}, "a login"),
        ({"login": "a\r\nb"}, "a login"),
        ({"login": "x" * 33}, "a login"),
        ({"login": ""}, "a login"),
        ({"full_name": ""}, "a name"),
        ({"full_name": "A\x00"}, "a name"),
        ({"stage": "boss"}, "stage"),
        ({"skills": ("",)}, "skills"),
        ({"skills": tuple(map(str, range(51)))}, "skills"),
    ],
)
async def test_wrong_values_are_named(
    service: OperatorService, values: dict[str, Any], said: str
) -> None:
    new = dataclasses.replace(ANNA, **values)
    assert said in await refused("bad_value", service.add(new, "olga"))


async def test_who_is_signed_in_cannot_be_removed(
    floor: TestFloor, service: OperatorService
) -> None:
    anna = await floor.add_operator("anna")
    await floor.add_shift(anna, [("ready", after(0))], None)
    said = await refused("signed_in", service.remove("anna", "olga"))
    assert "sign-out anna" in said and "09:00" in said
    (member,) = await service.staff()
    assert member.signed_in_at == after(0)


async def test_who_left_may_come_back_under_the_same_login(
    floor: TestFloor, service: OperatorService
) -> None:
    former = await floor.add_operator("anna")
    await floor.add_shift(former, [("ready", after(0))], after(60))
    await service.remove("anna", "olga")
    assert await service.staff() == []
    await refused("unknown_operator", service.remove("anna", "olga"))
    await service.add(ANNA, "olga")
    assert await floor.pool.fetchval(ROWS.operator_id, "anna") is not None
    assert len(await service.staff()) == 1


async def test_phones_follow_the_staff_when_the_node_is_back(
    service: OperatorService, pbx: Pbx
) -> None:
    anna = await service.add(ANNA, "olga")
    await service.add(dataclasses.replace(ANNA, login="boris"), "olga")
    async with connected(pbx) as node, aiohttp.ClientSession() as session:
        user = (pbx.conf.ari_username, pbx.conf.ari_secret, session, node.ami)
        nobody = PhoneProvisioner(f"http://127.0.0.1:{free_port()}", *user)
        with pytest.raises(PhonesError):
            await service.provision_missing(nobody)
        phones = PhoneProvisioner(pbx.ari_url, *user)
        await phones.add("stranger", ha1="0" * 32)  # set up by somebody else
        others = await phones.provisioned()
        done = await service.provision_missing(phones)
        assert (done.added, done.removed) == (("anna", "boris"), ())
        assert anna.ha1 in await digest(node, "anna")
        assert (await service.provision_missing(phones)).added == ()

        await service.remove("boris", "olga")
        await service.remove("anna", "olga")
        anna = await service.add(ANNA, "olga")
        done = await service.provision_missing(phones)
        assert (done.added, done.removed) == (("anna",), ("boris",))
        assert anna.ha1 in await digest(node, "anna")
        assert await phones.provisioned() == {*others, "anna"}
        for login in ("anna", "stranger"):
            await phones.remove(login)


async def digest(node: Floor, login: str) -> str:
    """What the node keeps of a phone's login."""
    rows = await node.ami.list_action("DBGetTree", {"Family": "ps_auths", "Key": "auth"})
    (value,) = [row["Val"] for row in rows if row["Key"].endswith(f"/op-{login}")]
    return value


async def test_roles_and_kinds_of_phones_are_changed_with_an_audit(
    floor: TestFloor, service: OperatorService
) -> None:
    anna = await service.add(ANNA, "olga")
    await service.set_role("anna", "supervisor", "olga")
    assert await service.set_phone_kind("anna", PhoneKind.SIP_TLS, "olga") == anna.ha1
    await refused("bad_value", service.set_role("anna", "boss", "olga"))
    await refused("bad_value", service.set_phone_kind("anna", PhoneKind.BROWSER, "olga"))
    for work in (
        service.set_role("nobody", "operator", "olga"),
        service.set_phone_kind("nobody", PhoneKind.SIP, "olga"),
    ):
        await refused("unknown_operator", work)
    done = await floor.pool.fetch("select action, details from audit order by id offset 1")
    assert [(row["action"], row["details"]) for row in done] == [
        ("operator_role", {"role": "supervisor"}),
        ("operator_phone", {"kind": "sip_tls"}),
    ]


async def test_floors_do_not_see_each_other(pool: Pool, service: OperatorService) -> None:
    other = await TestFloor.make(pool, "other")
    await other.add_operator("anna")
    assert await service.staff() == []
    await refused("unknown_operator", service.remove("anna", "olga"))
    await refused("operator_exists", service.add(ANNA, "olga"))


async def test_people_are_put_into_teams(floor: TestFloor, service: OperatorService) -> None:
    await service.add(ANNA, "olga")
    assert await service.set_team("anna", " Север №1 ", "olga") == "Север №1"
    assert [one.team for one in await service.staff()] == ["Север №1"]
    assert await service.set_team("anna", "", "olga") == ""
    await refused("bad_value", service.set_team("anna", "two\nlines", "olga"))
    await refused("unknown_operator", service.set_team("nobody", "north", "olga"))
