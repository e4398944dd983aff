"""Several trunks on real servers: weights, prefixes, registration, fail-over, the breaker."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from pydantic import SecretStr, ValidationError

from dialer.calls import Conversing, Ringing
from dialer.config import RouteSettings, TrunkSettings
from dialer.lines import TRIP_AFTER
from monitoring import metrics
from tests.asterisk.hearing import OPERATOR, PERSON, Ear, person_speaks, speak
from tests.asterisk.race_tools import carrier_channel
from tests.fixtures_floor import (
    ACCOUNT,
    FloorApp,
    Telephony,
    number,
    running_app,
    settings_for,
)


def trunk(telephony: Telephony, name: str, **values: Any) -> TrunkSettings:
    """A trunk to the simulated carrier, as the node has it; `gone` is not on the node."""
    port = telephony.dead_sip_port if name == "dead" else telephony.carrier.conf.sip_port
    given = {"name": name, "host": "127.0.0.1", "port": port, "calls_per_second": 50.0, **values}
    return TrunkSettings.model_validate(given)


@asynccontextmanager
async def floor_with(
    telephony: Telephony, database: str, root: Path, *trunks: TrunkSettings
) -> AsyncIterator[FloorApp]:
    settings = settings_for(telephony, database, root).model_copy(update={"trunks": trunks})
    async with running_app(telephony, settings) as floor:
        yield floor


async def use(floor: FloorApp, campaign: int, *trunks: str) -> None:
    """The campaign may use these; none: any. A step before the controller has seen it."""
    board = floor.app.board
    first = board.trunks[trunks[0]].trunk_id if trunks else None
    await floor.pool.execute("update campaign set trunk_id = $2 where id = $1", campaign, first)
    for position, name in enumerate(trunks[1:], 1):
        await floor.pool.execute(
            "insert into campaign_trunk (campaign_id, trunk_id, position) values ($1, $2, $3)",
            campaign, board.trunks[name].trunk_id, position,
        )  # fmt: skip
    await floor.set_campaign(campaign, "running")


async def dial(floor: FloorApp, *numbers: str, trunks: tuple[str, ...] = (), **more: Any) -> int:
    """A campaign over `trunks` (none: any) that begins when all of it is there."""
    first = next(iter(floor.app.board.trunks))
    campaign = await floor.campaign(*numbers, trunk=first, status="draft", **more)
    await use(floor, campaign, *trunks)
    return campaign


async def over(floor: FloorApp, phone: str) -> list[tuple[str, str | None]]:
    """(trunk, outcome) of the attempts of a number, in order."""
    names = {t.trunk_id: t.name for t in floor.app.board.trunks.values()}
    return [(names[row["trunk_id"]], row["outcome"]) for row in await floor.attempts(phone)]


async def api_trunks(floor: FloorApp) -> dict[str, Any]:
    settings = floor.app.settings
    token = settings.secret(settings.http.token, "api_token")
    headers = {"Authorization": f"Bearer {token}"}
    url = f"http://127.0.0.1:{floor.app.http_port}/api/trunks"
    async with aiohttp.ClientSession(headers=headers) as http, http.get(url) as response:
        assert response.status == 200
        return {view["name"]: view for view in (await response.json())["trunks"]}


async def test_weights_prefixes_and_caller_ids(
    telephony: Telephony, database: str, tmp_path: Path
) -> None:
    """Two trunks share numbers 3 to 1; one of them alone takes Britain and shows other numbers."""
    british = RouteSettings(prefix="+44", caller_ids=("+442070000001", "+442070000002"))
    trunks = (
        trunk(telephony, "carrier", weight=3),
        trunk(telephony, "second", routes=(RouteSettings(), british)),
    )
    async with floor_with(telephony, database, tmp_path, *trunks) as floor:
        await floor.sign_in("t1", "t2", "t3", "t4")
        shared = [number("2200") for _ in range(40)]
        await dial(floor, *shared)
        for phone in shared:
            await floor.outcome(phone, 30)
        counts = Counter([(await over(floor, phone))[0][0] for phone in shared])
        # 40 draws of 1/4: outside 2 to 20 once in a million runs.
        assert 2 <= counts["second"] <= 20
        assert counts["carrier"] + counts["second"] == 40

        abroad = [f"+4420{number('1101')[-8:]}" for _ in range(3)]
        await dial(floor, *abroad, caller_id="+74950000000")
        seen = []
        for phone in abroad:
            channel = await carrier_channel(floor, phone)
            told = await telephony.carrier.server.cli(f"core show channel {channel}")
            seen += [x.split()[-1] for x in told.splitlines() if x.strip().startswith("Caller ID:")]
        assert sorted(seen) == ["+442070000001", "+442070000001", "+442070000002"]
        for phone in abroad:
            assert [name for name, _ in await over(floor, phone)] == ["second"]
        await floor.app.controller.hang_up_all(5)
        for phone in abroad:
            await floor.outcome(phone)
        assert await floor.truth() == []


async def test_a_number_without_a_route_waits_and_is_explained(
    telephony: Telephony, database: str, tmp_path: Path
) -> None:
    russian = trunk(telephony, "carrier", routes=(RouteSettings(prefix="7"),))
    async with floor_with(telephony, database, tmp_path, russian) as floor:
        await floor.sign_in("t1")
        abroad, home = f"+4420{number('2200')[-8:]}", number("2200")
        campaign = await dial(floor, abroad, home, trunks=("carrier",))
        assert (await floor.outcome(home))["outcome"] == "invalid"
        async with asyncio.timeout(10):
            ended_at = (await floor.outcome(home))["ended_at"]
            while ((await floor.lead(abroad))["next_at"] - ended_at).total_seconds() < 500:
                await asyncio.sleep(0.05)
        lead = await floor.lead(abroad)
        assert (lead["status"], lead["approaches"], lead["failures"]) == ("new", 0, 0)
        assert await floor.attempts(abroad) == []
        board = floor.app.board
        await floor.until(
            lambda: (
                "no trunk has a route for the number (leads: 1)"
                in board.campaigns[campaign].decision.reason.en
            ),
            "explained",
        )


async def test_what_a_trunk_never_took_up_goes_to_the_next_at_once(
    telephony: Telephony, database: str, tmp_path: Path
) -> None:
    """`gone` is first by weight and unknown to the node; the reserve is a good trunk."""
    trunks = (trunk(telephony, "gone"), trunk(telephony, "carrier", weight=0))
    async with floor_with(telephony, database, tmp_path, *trunks) as floor:
        passed_before = metrics.value("prozvon_trunk_passed_on_total", trunk="gone")
        await floor.sign_in("t1")
        phones = [number("2200") for _ in range(TRIP_AFTER)]
        campaign = await dial(floor, *phones, trunks=("gone", "carrier"))
        for phone in phones:
            async with asyncio.timeout(20):
                while (await over(floor, phone))[-1:] != [("carrier", "invalid")]:
                    await asyncio.sleep(0.05)
            assert await over(floor, phone) == [("gone", "failed"), ("carrier", "invalid")]
            first, second = await floor.attempts(phone)
            # One after the other: never two at once, and the second at once.
            assert first["ended_at"] <= second["placed_at"]
            assert (second["placed_at"] - first["ended_at"]).total_seconds() < 2
            lead = await floor.lead(phone)
            assert (lead["status"], lead["approaches"], lead["failures"]) == ("done", 1, 0)
        assert metrics.value("prozvon_trunk_passed_on_total", trunk="gone") - passed_before == len(
            phones
        )
        # The breaker of the first is open now: seen in API and metrics, and calls go straight on.
        view = (await api_trunks(floor))["gone"]
        assert (view["state"], view["breaker_open"], view["dead_in_row"]) == ("breaker", True, 5)
        assert view["trouble"].startswith("trunk gone does not ring; a probe call in")
        list(floor.app._collect())
        assert metrics.value("prozvon_trunk_breaker_open", trunk="gone") == 1
        straight = number("2200")
        await dial(floor, straight, trunks=("gone", "carrier"))
        await floor.outcome(straight)
        assert await over(floor, straight) == [("carrier", "invalid")]
        assert campaign in floor.app.board.campaigns
        calls = Counter(call.number for call in await asyncio.to_thread(floor.calls))
        assert [calls[phone] for phone in [*phones, straight]] == [1] * (TRIP_AFTER + 1)


async def test_every_trunk_is_tried_once_and_then_the_lead_waits(
    telephony: Telephony, database: str, tmp_path: Path
) -> None:
    trunks = (trunk(telephony, "carrier"), trunk(telephony, "second"), trunk(telephony, "gone"))
    async with floor_with(telephony, database, tmp_path, *trunks) as floor:
        await floor.sign_in("t1")
        phone = number("2400")  # the network is full, whoever asks
        await dial(floor, phone)
        async with asyncio.timeout(20):
            while (await floor.lead(phone))["status"] != "retry" or (
                [row["outcome"] is not None for row in await floor.attempts(phone)] != [True] * 3
            ):
                await asyncio.sleep(0.05)
        tried = await over(floor, phone)
        assert sorted(name for name, _ in tried) == ["carrier", "gone", "second"]
        assert {outcome for _, outcome in tried} <= {"congestion", "failed"}
        lead = await floor.lead(phone)
        assert (lead["approaches"], lead["failures"]) == (0, 1)
        calls = [c for c in await asyncio.to_thread(floor.calls) if c.number == phone]
        assert len(calls) == 2


async def test_what_rang_and_then_failed_is_not_dialed_again(
    telephony: Telephony, database: str, tmp_path: Path
) -> None:
    trunks = (trunk(telephony, "carrier"), trunk(telephony, "second", weight=0))
    async with floor_with(telephony, database, tmp_path, *trunks) as floor:
        await floor.sign_in("t1", "t2")
        rings, refused = number("2601"), number("2101")
        await dial(floor, rings, refused)
        await floor.stage(rings, Ringing)
        assert (await floor.outcome(rings))["outcome"] == "congestion"
        assert (await floor.outcome(refused))["outcome"] == "busy"
        # Whatever would follow comes before this one, which is claimed later.
        marker = number("2200")
        await dial(floor, marker)
        await floor.outcome(marker)
        assert await over(floor, rings) == [("carrier", "congestion")]
        assert await over(floor, refused) == [("carrier", "busy")]
        assert await floor.truth() == []


async def test_registered_rejected_and_silent_trunks_are_known_and_left_alone(
    telephony: Telephony, database: str, tmp_path: Path
) -> None:
    login = {"username": ACCOUNT.username, "register": True}
    good = {**login, "password": SecretStr(ACCOUNT.secret), "from_user": ACCOUNT.username}
    bad = {**login, "password": SecretStr("wrong")}
    trunks = (
        trunk(telephony, "account", **good),
        trunk(telephony, "stranger", **bad),
        trunk(telephony, "dead"),
    )
    async with floor_with(telephony, database, tmp_path, *trunks) as floor:
        board = floor.app.board
        await floor.until(
            lambda: (
                board.trunks["account"].link.registration == "registered"
                and board.trunks["stranger"].link.registration == "rejected"
                and board.trunks["dead"].link.contact == "unreachable"
            ),
            "the node told how the trunks are",
        )
        views = await api_trunks(floor)
        assert [views[n]["state"] for n in ("account", "stranger", "dead")] == [
            "up",
            "down",
            "down",
        ]
        assert views["account"]["contact"] == "reachable"
        assert views["account"]["rtt_ms"] > 0
        await floor.sign_in("t1", "t2")
        good_phone, bad_phone = number("0001"), number("2200")
        any_phone = [number("2200") for _ in range(6)]
        await dial(floor, good_phone, trunks=("account",))
        assert (await floor.outcome(good_phone))["bridged_at"] is not None
        await dial(floor, *any_phone)
        for phone in any_phone:
            await floor.outcome(phone)
            assert await over(floor, phone) == [("account", "invalid")]
        held = await dial(floor, bad_phone, trunks=("stranger", "dead"))
        await floor.until(
            lambda: (
                held in board.campaigns and board.campaigns[held].decision.limited_by == "trunk"
            ),
            "held by its trunks",
        )
        reason = board.campaigns[held].decision.reason.en
        assert "trunk stranger: the provider rejects our registration" in reason
        assert "trunk dead: does not answer OPTIONS" in reason
        assert await floor.attempts(bad_phone) == []
        list(floor.app._collect())
        ups = [metrics.value("prozvon_trunk_up", trunk=t) for t in ("account", "stranger", "dead")]
        assert ups == [1, 0, 0]


class Provider(asyncio.DatagramProtocol):
    """Answers OPTIONS where nobody listened before."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        lines = data.decode().split("\r\n")
        kept = [
            x for x in lines if x.lower().startswith(("via:", "from:", "to:", "call-id:", "cseq:"))
        ]
        answer = "\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""])
        self.transport.sendto(answer.encode(), addr)


async def test_a_trunk_that_comes_and_goes_is_followed(
    telephony: Telephony, database: str, tmp_path: Path
) -> None:
    async with floor_with(telephony, database, tmp_path, trunk(telephony, "dead")) as floor:
        dead = floor.app.board.trunks["dead"]
        await floor.until(lambda: dead.link.contact == "unreachable", "unreachable")
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            Provider, ("127.0.0.1", telephony.dead_sip_port)
        )
        try:
            await floor.until(lambda: dead.link.contact == "reachable", "reachable")
            assert dead.trouble(0) is None
            assert dead.room(floor.app.controller.clock())[0] > 0
        finally:
            transport.close()
        await floor.until(lambda: dead.link.contact == "unreachable", "unreachable again")
        assert dead.room(floor.app.controller.clock()) == (0, "down")


async def test_a_trunk_goes_over_the_transport_that_it_was_given(telephony: Telephony) -> None:
    told = await telephony.pbx.cli("pjsip show contacts")
    assert f"trunk-second/sip:127.0.0.1:{telephony.carrier.conf.sip_port};transport=tcp" in told
    assert "Avail" in next(x for x in told.splitlines() if "trunk-second" in x)
    secure = await telephony.pbx.cli("pjsip show endpoint trunk-secure")
    assert "transport-trunk-tls-secure" in secure


async def test_a_call_by_tls_and_srtp_is_heard_on_both_sides(
    telephony: Telephony, database: str, tmp_path: Path
) -> None:
    """Given a trunk by TLS with SRTP to a carrier whose certificate is known, when a person
    answers, then both legs' signalling and sound are encrypted and both hear each other; the same
    carrier over a trunk that does not know its certificate is not even reachable."""
    carrier, tls = telephony.carrier, telephony.carrier.conf.tls
    assert tls is not None
    secure = TrunkSettings(
        name="secure", host="127.0.0.1", port=tls.port, transport="tls", srtp=True,
        ca=tls.certificate, qualify_s=1,
    )  # fmt: skip
    untrusted = TrunkSettings(name="untrusted", host="127.0.0.1", port=tls.port, transport="tls")
    async with floor_with(telephony, database, tmp_path, secure, untrusted) as floor:
        board = floor.app.board
        await floor.until(lambda: board.trunks["secure"].link.contact == "reachable", "by TLS")
        await floor.until(
            lambda: board.trunks["untrusted"].link.contact == "unreachable", "no certificate"
        )
        await floor.sign_in("t1")
        phone = number("1101")
        await dial(floor, phone, trunks=("secure",))
        talking = await floor.stage(phone, Conversing)
        for kind in ("pjsip", "rtp"):
            asked = f"CHANNEL({kind},secure)"
            assert await floor.app.ami.get_variable(str(talking.id), asked) == "1"
        person = await person_speaks(floor, phone, PERSON)
        operator = await speak(floor, "t1", OPERATOR)
        at_person = await Ear(carrier, person, tmp_path / "person.sln48").start()
        at_operator = await Ear(carrier, operator, tmp_path / "operator.sln48").start()
        assert await at_person.until({OPERATOR}) == {OPERATOR}
        assert await at_operator.until({PERSON}) == {PERSON}
        floor.app.desk.hang_up("t1")
        assert (await floor.outcome(phone))["outcome"] == "answered"
        assert await over(floor, phone) == [("secure", "answered")]


@pytest.mark.parametrize("wrong", [{"srtp": True}, {"ca": "/etc/hosts", "transport": "tcp"}])
def test_encrypted_sound_needs_encrypted_signalling(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="need transport"):
        TrunkSettings.model_validate({"name": "a", "host": "192.0.2.1", **wrong})
