"""Phones of every kind on a real node: a browser (JsSIP in Chromium), and SIP by TLS with SRTP."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dialer.asterisk.phones import PhoneKind
from dialer.calls import Conversing
from dialer.config import PhonesSettings
from dialer.demo.carrier import Phone
from dialer.http.web_build import build
from tests.asterisk.hearing import OPERATOR, PERSON, Ear, heard, person_speaks, speak
from tests.chromium import Page, browser, write_voice
from tests.fixtures_asterisk import PROJECT
from tests.fixtures_floor import PASSWORD, FloorApp, Telephony, number, running_app, settings_for

HEARS = """
(async () => {
  const audio = document.getElementById("sound");
  if (!audio.srcObject) return 0;
  const context = window.listening ||= new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 4096;
  context.createMediaStreamSource(audio.srcObject).connect(analyser);
  await new Promise((done) => setTimeout(done, 400));
  const bins = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(bins);
  const loudest = bins.indexOf(Math.max(...bins));
  return bins[loudest] < -70 ? 0 : loudest * context.sampleRate / analyser.fftSize;
})()
"""
STATS = """
(async () => {
  const found = {};
  for (const one of (await prozvonPhone.session.connection.getStats()).values()) {
    if (one.type === "inbound-rtp") found.received = one.packetsReceived;
    if (one.type === "outbound-rtp") found.sent = one.packetsSent;
    if (one.type === "codec") found.codec = one.mimeType;
    if (one.type === "transport") found.dtls = one.dtlsState;
  }
  return found;
})()
"""


@pytest.fixture
async def desk(telephony: Telephony, database: str, tmp_path: Path) -> AsyncIterator[FloorApp]:
    """A controller whose phones may be browsers."""
    settings = settings_for(telephony, database, tmp_path)
    phones = PhonesSettings(browser=True, browser_login_s=600, return_limit_s=15)
    settings = settings.model_copy(update={"phones": phones, "cache_dir": PROJECT / ".cache"})
    await asyncio.to_thread(build, settings.cache_dir)
    async with running_app(telephony, settings) as floor:
        yield floor


async def api(floor: FloorApp, method: str, path: str, token: str = "", **body: Any) -> Any:
    settings = floor.app.settings
    token = token or settings.secret(settings.http.token, "api_token")
    url = f"http://127.0.0.1:{floor.app.http_port}{path}"
    headers = {"Authorization": f"Bearer {token}", "X-Prozvon-Actor": "olga"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, url, json=body or None) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


async def open_phone(floor: FloorApp, page: Page, login: str) -> None:
    """The link of a new login, opened; the phone is registered."""
    status, made = await api(floor, "POST", f"/api/operators/{login}/browser-phone")
    assert status == 201
    await page.open(f"http://127.0.0.1:{floor.app.http_port}{made['link']}")
    await page.until("window.prozvonPhone && prozvonPhone.registered")


async def hears(page: Page, tone: int, timeout_s: float = 15) -> float:
    """What the browser's loudspeaker says, as soon as it is the tone; else the last, in Hz."""
    got, deadline = 0.0, time.monotonic() + timeout_s
    while abs(got - tone) > 25 and time.monotonic() < deadline:
        got = await page.ask(HEARS)
    return got


async def test_an_operator_talks_by_browser_and_a_lost_network_leaves_nobody_in_silence(
    desk: FloorApp, tmp_path: Path
) -> None:
    floor, login = desk, "w1"
    await floor.hire(login)
    voice = await asyncio.to_thread(write_voice, tmp_path / "voice.wav", OPERATOR)
    async with browser(tmp_path, voice) as page:
        await open_phone(floor, page, login)
        await page.until("!document.getElementById('sign-in').disabled")
        await page.ask("document.getElementById('sign-in').click()")
        await floor.state(login, "ready")
        await page.until("prozvonPhone.state === 'ready' && !!prozvonPhone.session")

        phone = number("1001")
        await floor.campaign(phone)
        first = await floor.stage(phone, Conversing)
        person = await person_speaks(floor, phone, PERSON)
        at_person = await Ear(floor.telephony.carrier, person, tmp_path / "p.sln48").start()
        assert abs(await hears(page, PERSON) - PERSON) < 25
        assert heard(await at_person.next(2), OPERATOR, at_least=0.2)
        before = await page.ask(STATS)
        assert before["codec"] == "audio/opus" and before["dtls"] == "connected"
        await page.until(f"({STATS}).then((now) => now.received > {before['received']} + 50"
                         f" && now.sent > {before['sent']} + 50)")  # fmt: skip

        page.freeze()
        try:
            lost = time.monotonic()
            await floor.until(lambda: not floor.seat(login).channel, "the phone is lost", 8)
            await at_person.fresh()
            waiting = await at_person.next(2)
            assert max(map(abs, waiting)) > 200, "the person hears silence"
            await asyncio.sleep(max(0.0, 10 - (time.monotonic() - lost)))
        finally:
            page.thaw()
        await floor.until(lambda: bool(floor.seat(login).channel), "the phone is back", 20)
        assert floor.live(phone) == first, "the same conversation goes on"
        assert floor.seat(login).state.kind == "talking"
        assert abs(await hears(page, PERSON) - PERSON) < 25
        await at_person.fresh()
        assert heard(await at_person.next(2), OPERATOR, at_least=0.2)

        await page.ask("document.getElementById('hang-up').click()")
        row = await floor.outcome(phone)
        assert (row["outcome"], row["ended_by"]) == ("answered", "operator")
        await page.until("prozvonPhone.state === 'wrap_up'")

        await page.ask("document.getElementById('ready').click()")
        phone = number("1001")
        await floor.campaign(phone)
        await floor.stage(phone, Conversing)
        person = await person_speaks(floor, phone, PERSON)
        at_person = await Ear(floor.telephony.carrier, person, tmp_path / "q.sln48").start()
        floor.app.features.returning.limit_s = 2
        page.freeze()
        await floor.until(lambda: not floor.seat(login).channel, "the phone is lost again", 8)
        await floor.until(lambda: floor.seat(login).state.kind == "wrap_up", "nobody comes back")
        await at_person.fresh()
        assert max(map(abs, await at_person.next(2))) > 1000, "no message"
        row = await floor.outcome(phone)
        assert (row["outcome"], row["ended_by"]) == ("answered", "phone_lost")
        lead = await floor.lead(phone)
        assert lead["status"] == "retry" and lead["approaches"] == 0
        assert (lead["next_at"] - row["ended_at"]).total_seconds() < 120
        await floor.app.desk.dispose(login, "refused")
        await floor.app.journal.flushed(5)
        assert (await floor.lead(phone))["status"] == "done"


async def test_a_browser_that_is_rung_for_each_call_is_answered_by_a_click(
    desk: FloorApp, tmp_path: Path
) -> None:
    """Nobody is dialed before the click; the call is over with the conversation."""
    floor, login = desk, "w1"
    await floor.hire(login)
    await floor.pool.execute("update operator set phone_mode = 'ring_per_call'")
    voice = await asyncio.to_thread(write_voice, tmp_path / "voice.wav", OPERATOR)
    async with browser(tmp_path, voice) as page:
        await open_phone(floor, page, login)
        await page.until("!document.getElementById('sign-in').disabled")
        await page.ask("document.getElementById('sign-in').click()")
        await page.until("prozvonPhone.state === 'ready' && prozvonPhone.onCall")
        phone = number("1001")
        await floor.campaign(phone)
        await page.until("!!prozvonPhone.ringing && !document.getElementById('answer').disabled")
        await page.until("document.getElementById('notice').textContent.length > 20")
        assert await floor.attempts() == [] and not floor.seat(login).channel
        await page.ask("document.getElementById('answer').click()")
        talking = await floor.stage(phone, Conversing)
        assert isinstance(talking, Conversing) and talking.answer_to_operator_s < 0.5
        person = await person_speaks(floor, phone, PERSON)
        at_person = await Ear(floor.telephony.carrier, person, tmp_path / "p.sln48").start()
        assert abs(await hears(page, PERSON) - PERSON) < 25
        assert heard(await at_person.next(2), OPERATOR, at_least=0.2)
        await holds_by_the_phone(floor, page, login, at_person)
        await page.ask("document.getElementById('hang-up').click()")
        assert (await floor.outcome(phone))["ended_by"] == "operator"
        await page.until("prozvonPhone.state === 'wrap_up' && !prozvonPhone.session")
        await floor.app.journal.flushed(5)
        rows = await floor.pool.fetch("select * from shift_state order by seq")
        states = [row["state"] for row in rows]
        at = states.index("hold")
        assert states[at - 1 : at + 3] == ["talking", "hold", "talking", "wrap_up"]
        assert all(a["ended_at"] == b["started_at"] for a, b in itertools.pairwise(rows))


async def holds_by_the_phone(floor: FloorApp, page: Page, login: str, person: Ear) -> None:
    """By the phone's own hold (sendonly), not by ours: music for the person, then the talk."""
    await page.ask("void prozvonPhone.session.hold()")
    await floor.state(login, "hold")
    await person.fresh()
    music = await person.next(1.5)
    assert max(map(abs, music)) > 200 and not heard(music, OPERATOR, at_least=0.2)
    await page.ask("void prozvonPhone.session.unhold()")
    await floor.state(login, "talking")
    await person.fresh()
    assert heard(await person.next(2), OPERATOR, at_least=0.2)


async def test_a_phone_by_tls_talks_by_srtp(desk: FloorApp, tmp_path: Path) -> None:
    floor, login, carrier = desk, "s1", desk.telephony.carrier
    conf = floor.telephony.conf
    assert conf.tls is not None
    await floor.hire(login)
    ha1 = await floor.app.staff.set_phone_kind(login, PhoneKind.SIP_TLS, "olga")
    await floor.app.features.node_phones.add(login, ha1=ha1, kind=PhoneKind.SIP_TLS)
    before = carrier.conf.phones
    phone = Phone(login, PASSWORD, f"127.0.0.1:{conf.tls.sip_port}", tls=True)
    await carrier.set_phones((*before, phone))
    try:
        await floor.app.desk.sign_in(login)
        await floor.state(login, "ready", timeout_s=25)
        number_dialed = number("1001")
        await floor.campaign(number_dialed)
        await floor.stage(number_dialed, Conversing)
        leg = floor.seat(login).channel
        assert await floor.app.ami.get_variable(leg, "CHANNEL(pjsip,secure)") == "1"
        assert await floor.app.ami.get_variable(leg, "CHANNEL(rtp,secure)") == "1"
        person = await person_speaks(floor, number_dialed, PERSON)
        operator = await speak(floor, login, OPERATOR)
        at_person = await Ear(carrier, person, tmp_path / "person.sln48").start()
        at_operator = await Ear(carrier, operator, tmp_path / "operator.sln48").start()
        assert await at_person.until({OPERATOR}) == {OPERATOR}
        assert await at_operator.until({PERSON}) == {PERSON}
        floor.app.desk.hang_up(login)
        await floor.outcome(number_dialed)
    finally:
        await carrier.set_phones(before)


async def test_logins_of_browsers_end_and_nobody_else_has_them(desk: FloorApp) -> None:
    floor, phones = desk, desk.app.features.browser_phones
    await floor.hire("w2", "w3")
    assert (await api(floor, "POST", "/api/operators/nobody/browser-phone"))[1]["title"] == (
        "unknown_operator"
    )
    _, old = await api(floor, "POST", "/api/operators/w2/browser-phone")
    _, made = await api(floor, "POST", "/api/operators/w2/browser-phone")
    key, other = f"w2:{made['password']}", f"w3:{made['password']}"
    for token in (f"w2:{old['password']}", other, "w2", "w2:", "none:x", "../x:y"):
        status, answer = await api(floor, "GET", "/phone/api/state", token)
        assert (status, answer["title"]) == (401, "phone_login"), token
    status, view = await api(floor, "GET", "/phone/api/state", key)
    assert (status, view["signed_in"], view["username"]) == (200, False, "op-w2")
    assert (await api(floor, "POST", "/phone/api/dispose", key))[0] == 404
    status, answer = await api(floor, "POST", "/phone/api/hang-up", key)
    assert (status, answer["title"]) == (409, "not_signed_in")
    assert (await api(floor, "GET", "/phone/phone.js/../../pyproject.toml", key))[0] in (401, 404)
    _, renewed = await api(floor, "POST", "/phone/api/renew", key)
    assert (await api(floor, "GET", "/phone/api/state", key))[0] == 401
    assert await phones.expire(floor.app.features.node_phones) == []
    await floor.pool.execute("update browser_phone set expires_at = now() - interval '1 s'")
    key = f"w2:{renewed['password']}"
    assert (await api(floor, "GET", "/phone/api/state", key))[1]["title"] == "phone_login"
    provisioner = await floor.telephony.pbx.cli("pjsip show endpoints")
    assert await phones.expire(floor.app.features.node_phones) in (["w2"], [])
    for _ in range(50):
        if "op-w2" not in (provisioner := await floor.telephony.pbx.cli("pjsip show endpoints")):
            break
        await asyncio.sleep(0.1)
    assert "op-w2" not in provisioner
    rows = await floor.pool.fetch("select actor, action from audit where action like 'browser%'")
    assert sorted(tuple(row) for row in rows) == [
        ("expiry", "browser_phone_expired"), ("olga", "browser_phone_issued"),
        ("olga", "browser_phone_issued"), ("w2", "browser_phone_issued"),
    ]  # fmt: skip
