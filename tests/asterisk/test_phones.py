"""Operators' phones on a real PBX: pushed by ARI, registered over SIP, taken away."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import aiohttp
import pytest

from campaigns.operators.model import PhoneLogin
from dialer.asterisk.events import ChannelState, OriginateResponse
from dialer.asterisk.phones import PhoneProvisioner, PhonesError
from tests.fixtures_asterisk import FarEnd, Floor
from tests.ports import free_port


def ha1_of(login: str, password: str) -> str:
    return PhoneLogin(f"op-{login}", password).ha1


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def phones(floor: Floor, session: aiohttp.ClientSession) -> PhoneProvisioner:
    conf = floor.pbx.conf
    return PhoneProvisioner(
        floor.pbx.ari_url, conf.ari_username, conf.ari_secret, session, floor.ami
    )


async def until_registered(phones: PhoneProvisioner, login: str) -> None:
    for _ in range(300):
        if await phones.registered(login):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{login} is not registered after 15 s")


async def test_a_phone_works_when_added_and_stops_when_removed(
    phones: PhoneProvisioner, far_end: FarEnd, floor: Floor
) -> None:
    await far_end.use_phones(("anna", "secret-of-anna"))
    assert "anna" not in await phones.provisioned()
    assert not await phones.registered("anna")

    await phones.add("anna", ha1=ha1_of("anna", "secret-of-anna"))
    assert "anna" in await phones.provisioned()
    await until_registered(phones, "anna")
    channel = await floor.call_operator("anna")
    assert channel.startswith("PJSIP/op-anna-")
    await floor.ami.hangup(channel)

    await phones.remove("anna")
    assert "anna" not in await phones.provisioned()
    assert not await phones.registered("anna")
    assert not await rings(floor, "anna")
    await far_end.register()
    await refused(far_end)
    assert not await phones.registered("anna")


async def test_a_phone_added_again_does_not_ring_at_its_old_place(
    phones: PhoneProvisioner, far_end: FarEnd, floor: Floor
) -> None:
    await phones.add("boris", ha1=ha1_of("boris", "secret-of-boris"))
    await far_end.use_phones(("boris", "secret-of-boris"))
    await until_registered(phones, "boris")

    await far_end.use_phones()
    await phones.remove("boris")
    await phones.add("boris", ha1=ha1_of("boris", "another-secret"))
    assert not await phones.registered("boris")
    assert not await rings(floor, "boris")
    await phones.remove("boris")


async def test_a_wrong_secret_is_refused_and_a_changed_one_works(
    phones: PhoneProvisioner, far_end: FarEnd
) -> None:
    await phones.add("vera", ha1=ha1_of("vera", "the-right-secret"))
    await far_end.use_phones(("vera", "a-wrong-secret"))
    await refused(far_end)
    assert not await phones.registered("vera")
    await phones.add("vera", ha1=ha1_of("vera", "a-wrong-secret"), codecs=("ulaw",))
    await until_registered(phones, "vera")
    await phones.remove("vera")


async def test_adding_and_removing_twice_is_no_error(phones: PhoneProvisioner) -> None:
    for _ in range(2):
        await phones.add("gleb", ha1=ha1_of("gleb", "secret-of-gleb"))
    for _ in range(2):
        await phones.remove("gleb")
    assert "gleb" not in await phones.provisioned()


@pytest.mark.parametrize("login", ["", "Anna", "a b", "a/../b", "a\r\nb", "x" * 33, "анна", "a,b"])
async def test_a_login_that_could_be_misread_is_refused(
    phones: PhoneProvisioner, login: str
) -> None:
    with pytest.raises(PhonesError, match="login"):
        await phones.add(login, ha1="00000000000000000000000000000000")
    with pytest.raises(PhonesError, match="login"):
        await phones.remove(login)


@pytest.mark.parametrize("ha1", ["", "short", "G" * 32, "0" * 31 + "\n", "0" * 33])
async def test_a_bad_digest_is_refused(phones: PhoneProvisioner, ha1: str) -> None:
    with pytest.raises(PhonesError, match="digest"):
        await phones.add("denis", ha1=ha1)


async def test_bad_codecs_and_transport_are_refused(phones: PhoneProvisioner) -> None:
    with pytest.raises(PhonesError, match="codecs"):
        await phones.add("denis", ha1=ha1_of("denis", "secret-of-denis"), codecs=("alaw,all",))
    with pytest.raises(PhonesError, match="transport"):
        await phones.add("denis", ha1=ha1_of("denis", "secret-of-denis"), transport="sctp")


async def test_a_wrong_password_or_no_asterisk_says_what_to_do(
    floor: Floor, session: aiohttp.ClientSession
) -> None:
    ari_url = floor.pbx.ari_url
    with pytest.raises(PhonesError, match="ari_username"):
        await PhoneProvisioner(ari_url, "prozvon", "wrong", session, floor.ami).remove("egor")
    nobody = PhoneProvisioner(f"http://127.0.0.1:{free_port()}", "a", "b", session, floor.ami)
    with pytest.raises(PhonesError, match="Asterisk runs"):
        await nobody.remove("egor")


async def refused(far_end: FarEnd) -> None:
    """Until the only phone of the far end has been refused its registration."""
    for _ in range(100):
        if "Rejected" in await far_end.server.cli("pjsip show registrations"):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the registration was not refused")


async def rings(floor: Floor, login: str) -> bool:
    """Whether a call to the phone of `login` succeeds."""
    unique_id = str(uuid.uuid4())
    await floor.originate(f"PJSIP/op-{login}", unique_id, "prozvon-operator", {})

    def told() -> list[ChannelState | OriginateResponse]:
        up = floor.log.of(ChannelState, unique_id=unique_id, state=6)
        return [*up, *floor.log.of(OriginateResponse, action_id=unique_id)]

    answer = await floor.log.until(told, timeout_s=12)
    return isinstance(answer, ChannelState)
