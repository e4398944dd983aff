"""The HTTP side over real sockets: metrics, health, the desk's API and its errors."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import uuid4
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from campaigns.dispositions.service import TalkService
from dialer.asterisk.ami import AmiClient, AmiSettings
from dialer.attempts import Attempts
from dialer.board import Board
from dialer.calls import Lead, Placed
from dialer.controller import Controller
from dialer.database.pool import Pool
from dialer.desk import Desk
from dialer.handover import Handover
from dialer.health import Health
from dialer.http.server import BODY_BYTES, HttpServer
from dialer.journal import Journal
from dialer.line_time import LineTime
from dialer.operators import OperatorState, Talking
from dialer.outcomes import EndedBy
from dialer.phone_legs import PhoneLegs
from dialer.seating import Seating
from dialer.store import SQL, Store
from dialer.tasks import Tasks
from monitoring import metrics
from monitoring.families import FAMILIES
from monitoring.metrics_reference import LABELS, reference
from tests.database.staff import TestFloor

TOKEN = "a-token-of-the-test"
PAGE = Path(__file__).parents[2] / "docs/reference/metrics.md"
UNITS = ("_seconds", "_bytes", "_ratio", "_info", "_total")
NOT_BASE = re.compile(r"_(ms|millis\w*|minutes|hours|days|percent|kb|mb|kilobytes)(_|$)")


@dataclass
class Web:
    """The server, a client of it, and what it looks at."""

    server: HttpServer
    health: Health
    session: aiohttp.ClientSession
    url: str

    async def get(self, path: str, token: str | None = TOKEN) -> tuple[int, Any]:
        return await self.ask("GET", path, token=token)

    async def post(self, path: str, body: object = None, **more: Any) -> tuple[int, Any]:
        return await self.ask("POST", path, json=body, **more)

    async def ask(
        self, method: str, path: str, *, token: str | None = TOKEN, **more: Any
    ) -> tuple[int, Any]:
        """(status, JSON); an error must be problem+json with a sentence."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with self.session.request(method, self.url + path, headers=headers, **more) as reply:
            body = await reply.json(content_type=None)
            if reply.status >= 400 and path not in ("/readyz",):
                assert reply.content_type == "application/problem+json"
                assert (body["status"], body["title"]) == (
                    reply.status,
                    body["type"].removeprefix("urn:prozvon:"),
                )
                assert " " in body["detail"]
            return reply.status, body

    async def metrics(self) -> dict[str, Metric]:
        async with self.session.get(self.url + "/metrics") as reply:
            assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            families = list(text_string_to_metric_families(await reply.text()))
        return {family.name: family for family in families}


@pytest.fixture(name="web")
async def web_fixture() -> AsyncIterator[Web]:
    health = Health()

    def collect() -> Iterator[None]:
        metrics.decided("http test", "operators", 2, 1)
        yield

    server = HttpServer(health, TOKEN, collect)
    port = await server.start("127.0.0.1", 0)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30)) as session:
        yield Web(server, health, session, f"http://127.0.0.1:{port}")
    await server.close()


@pytest.fixture(name="desk")
async def desk_fixture(web: Web, pool: Pool) -> AsyncIterator[Controller]:
    """A floor with a real database and no node: signed-in operators wait for their phones."""
    rows = await TestFloor.make(pool)
    await pool.execute(SQL["ensure_dispositions"], rows.id)
    await rows.add_operator("anna")
    async with asyncio.TaskGroup() as group:
        tasks = Tasks(group)
        controller = make_controller(pool, rows, tasks)
        tasks.start("journal", controller.journal.run())
        web.server.desk = Desk(controller, TalkService(pool, rows.id), ZoneInfo("Europe/Moscow"))
        yield controller
        await controller.journal.flushed(10)
        controller.seating.close()
        controller.attempts.close()
        tasks.cancel_all()


def make_controller(pool: Pool, rows: TestFloor, tasks: Tasks) -> Controller:
    board, store, journal = Board(rows.id, rows.node_id), Store(pool, rows.id, 1), Journal(pool)
    store.node_id = rows.node_id
    ami = AmiClient(
        AmiSettings(host="127.0.0.1", port=9, username="x", secret="x"),
        on_event=lambda event: None,
        on_up=lambda: None,
        on_down=lambda reason: None,
    )
    line_time, clock = LineTime(board), lambda: 1_790_000_000.0
    common = (board, store, journal, ami, tasks)
    seating = Seating(*common, line_time, clock, legs=PhoneLegs(board, clock, 20))
    handover = Handover(board, seating, clock)
    attempts = Attempts(*common, seating, handover, line_time, clock)
    return Controller(
        *common, seating, handover, attempts, clock, recordings_dir=Path(), min_free_bytes=0
    )


# Metrics


async def test_metrics_need_no_token_and_can_be_parsed(web: Web) -> None:
    families = await web.metrics()
    assert len(families) == len(FAMILIES)
    outcomes = {s.labels["outcome"] for s in families["prozvon_attempts"].samples}
    assert outcomes >= {"answered", "no_answer", "failed", "unknown"}


async def test_what_is_counted_when_asked_is_up_to_now(web: Web) -> None:
    series = {"campaign": "http test", "limited_by": "operators"}
    before = metrics.value("prozvon_pacing_decisions_total", **series)
    families = await web.metrics()
    [sample] = [s for s in families["prozvon_pacing_decisions"].samples if s.labels == series]
    assert sample.value == before + 1


async def test_names_follow_the_rules_of_prometheus(web: Web) -> None:
    families = await web.metrics()
    for family in FAMILIES:
        found = families[family.name.removesuffix("_total")]
        assert found.type == family.kind
        assert re.fullmatch(r"prozvon_[a-z]+(_[a-z]+)*", family.name)
        assert not NOT_BASE.search(family.name), "base units only: seconds, bytes"
        assert (family.kind == "counter") == family.name.endswith("_total")
        assert found.documentation == family.help and family.help
        if family.kind == "histogram":
            assert family.name.endswith("_seconds")
            assert list(family.bounds) == sorted(set(family.bounds))
        for label in family.labels:
            assert re.fullmatch(r"[a-z_]+", label) and label not in ("le", "job", "instance")
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)


async def test_series_are_those_that_are_declared(web: Web) -> None:
    suffixes = ("", "_total", "_bucket", "_sum", "_count")
    for name, found in (await web.metrics()).items():
        declared = {f.name.removesuffix("_total"): f for f in FAMILIES}[name]
        for sample in found.samples:
            assert sample.name in {name + suffix for suffix in suffixes}
            assert set(sample.labels) - {"le"} == set(declared.labels)


def test_bounds_hold_the_legal_thresholds() -> None:
    bounds = {family.name: family.bounds for family in FAMILIES}
    assert 2.0 in bounds["prozvon_answer_to_operator_seconds"]
    assert {15, 20} <= set(bounds["prozvon_ring_seconds"])


def test_labels_never_name_a_person_or_a_phone() -> None:
    labels = {label for family in FAMILIES for label in family.labels}
    assert labels == set(LABELS)
    assert not labels & {"phone", "name", "contact", "lead", "attempt", "channel"}


def test_the_reference_is_what_the_code_says() -> None:
    hint = "run: python -m monitoring.metrics_reference > docs/reference/metrics.md"
    assert PAGE.read_text() == reference(), hint


async def test_reconnects_only_go_up() -> None:
    def now(reconnects: int) -> float:
        metrics.process_now(
            ami_up=True, reconnects=reconnects, agi_sessions=0, journal=0, pool_size=2, idle=1
        )
        return metrics.value("prozvon_ami_reconnects_total")

    first = int(now(0))
    assert [now(first + 1), now(first + 1), now(first + 3)] == [first + 1, first + 1, first + 3]
    assert metrics.value("prozvon_database_connections", state="busy") == 1


# Health


async def test_alive_is_alive_whatever_is_missing(web: Web) -> None:
    web.health.set("database", "PostgreSQL is away")
    assert await web.get("/healthz", token=None) == (200, {"alive": True})


async def test_a_floor_that_is_still_starting_is_not_ready(web: Web) -> None:
    status, body = await web.get("/readyz", token=None)
    assert (status, body["ready"]) == (503, False)
    assert "starting" in body["dependencies"]["floor"]


async def test_each_dependency_says_what_is_wrong_with_it(web: Web) -> None:
    web.server.desk = Desk(cast(Any, None), cast(Any, None), ZoneInfo("UTC"))
    trouble = {"asterisk": ""}
    web.health.checks["asterisk"] = lambda: trouble["asterisk"]
    web.health.set("database", "cannot connect to the database; check the URL")
    status, body = await web.get("/readyz", token=None)
    assert (status, body["ready"]) == (503, False)
    assert body["dependencies"] == {
        "floor": "ok",
        "asterisk": "ok",
        "database": "cannot connect to the database; check the URL",
    }

    web.health.clear("database")
    assert (await web.get("/readyz", token=None))[0] == 200
    trouble["asterisk"] = "the AMI password is wrong; see manager.conf"
    status, body = await web.get("/readyz", token=None)
    assert (status, body["dependencies"]["asterisk"]) == (503, trouble["asterisk"])


# The token


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        TOKEN,
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer тайна",
    ],
)
@pytest.mark.parametrize("path", ["/api/operators", "/api/operators/anna/ready", "/api/x", "/x"])
async def test_without_the_token_nothing_is_told(web: Web, header: str | None, path: str) -> None:
    headers = {} if header is None else {"Authorization": header}
    async with web.session.post(web.url + path, headers=headers) as reply:
        body = await reply.json(content_type=None)
        assert (reply.status, body["title"]) == (401, "unauthorized")
        assert reply.headers["WWW-Authenticate"] == "Bearer"
        assert reply.content_type == "application/problem+json"


async def test_an_empty_token_opens_nothing() -> None:
    server = HttpServer(Health(), "", tuple)
    port = await server.start("127.0.0.1", 0)
    async with aiohttp.ClientSession() as session:
        for header in ("Bearer ", "Bearer"):
            url = f"http://127.0.0.1:{port}/api/operators"
            async with session.get(url, headers={"Authorization": header}) as reply:
                assert reply.status == 401
    await server.close()


async def test_the_scheme_may_be_written_in_any_case(web: Web, desk: Controller) -> None:
    headers = {"Authorization": f"bearer {TOKEN}"}
    async with web.session.get(web.url + "/api/operators", headers=headers) as reply:
        assert reply.status == 200


# The desk


async def test_the_desk_is_not_there_before_the_floor(web: Web) -> None:
    status, body = await web.get("/api/operators")
    assert (status, body["title"]) == (503, "starting")


async def test_an_operators_day(web: Web, desk: Controller) -> None:
    status, seat = await web.post("/api/operators/anna/sign-in")
    assert (status, seat["state"], seat["phone_up"]) == (200, "connecting", False)
    status, seat = await web.post("/api/operators/anna/pause", {"reason": " обед "})
    assert (seat["state"], seat["reason"]) == ("paused", "обед")
    assert (await web.get("/api/operators"))[1] == [seat]
    assert (await web.post("/api/operators/anna/ready"))[1]["state"] == "connecting"
    assert await web.post("/api/operators/anna/sign-out") == (200, {"login": "anna"})
    assert await web.get("/api/operators") == (200, [])


async def test_a_disposition_ends_the_wrap_up(web: Web, desk: Controller) -> None:
    await web.post("/api/operators/anna/sign-in")
    seat = desk.board.seats["anna"]
    seat.become(Talking(seat.state.since, uuid4()).ended(seat.state.since))
    body = {"code": "agreed", "note": "встреча; '; drop table lead; --"}
    status, view = await web.post("/api/operators/anna/dispose", body)
    assert (status, view["state"]) == (200, "connecting")
    assert await desk.journal.flushed(10)


async def test_the_floors_dispositions_are_listed(web: Web, desk: Controller) -> None:
    status, found = await web.get("/api/dispositions")
    assert status == 200
    assert {"code", "title_ru", "title_en", "flags"} <= set(found[0])
    assert {row["code"] for row in found} >= {"agreed", "refused", "do_not_call", "call_back"}


@pytest.mark.parametrize(
    ("path", "body", "problem"),
    [
        ("anna/sign-in", None, (409, "already_signed_in")),
        ("boris/sign-in", None, (404, "unknown_operator")),
        ("boris/ready", None, (409, "not_signed_in")),
        ("anna/dance", None, (404, "unknown_action")),
        ("anna/hang-up", None, (409, "no_conversation")),
        ("anna/pause", None, (422, "missing_field")),
        ("anna/pause", {"reason": 7}, (422, "missing_field")),
        ("anna/pause", {"reason": " "}, (422, "bad_reason")),
        ("anna/pause", {"reason": "x" * 65}, (422, "bad_reason")),
        ("anna/pause", {"reason": "a\x00b"}, (422, "bad_text")),
        ("anna/dispose", {"code": "agreed"}, (409, "nothing_to_dispose")),
        ("anna/dispose", {}, (422, "missing_field")),
        ("ANNA/ready", None, (422, "bad_login")),
        ("a%00b/sign-in", None, (422, "bad_login")),
        ("%F0%9F%98%80/sign-in", None, (422, "bad_login")),
        ("..%2Fanna/sign-in", None, (422, "bad_login")),
    ],
)
async def test_what_cannot_be_done_is_said_in_a_sentence(
    web: Web, desk: Controller, path: str, body: object, problem: tuple[int, str]
) -> None:
    await web.post("/api/operators/anna/sign-in")
    status, said = await web.post(f"/api/operators/{path}", body)
    assert (status, said["title"]) == problem


@pytest.mark.parametrize(
    ("code", "note", "problem"),
    [
        ("nonsense", "", "unknown_disposition"),
        ("agreed", "x" * 2001, "bad_note"),
        ("agreed", "a\x00b", "bad_text"),
        ("agreed", "half a pair: \ud83d", "bad_text"),
        ("\udc00", "", "bad_text"),
    ],
)
async def test_a_bad_disposition_is_refused_before_the_journal(
    web: Web, desk: Controller, code: str, note: str, problem: str
) -> None:
    await web.post("/api/operators/anna/sign-in")
    seat = desk.board.seats["anna"]
    seat.become(Talking(seat.state.since, uuid4()).ended(seat.state.since))
    status, said = await web.post("/api/operators/anna/dispose", {"code": code, "note": note})
    assert (status, said["title"]) == (422, problem)
    assert seat.state.kind is OperatorState.WRAP_UP


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'"text"', 400),
        (b"\xff\xfe\xfd", 400),
        (b"[" * 30_000, 400),
        (b'{"reason": "' + b"x" * BODY_BYTES + b'"}', 413),
    ],
)
async def test_a_body_that_is_no_json_object_is_refused(
    web: Web, desk: Controller, data: bytes, status: int
) -> None:
    found, said = await web.ask("POST", "/api/operators/anna/pause", data=data)
    assert found == status
    assert status != 400 or said["title"] == "bad_json"


async def test_no_such_path_and_no_such_method_are_problems_too(web: Web) -> None:
    assert (await web.get("/api/nothing"))[0] == 404
    assert (await web.get("/nothing"))[0] == 404
    status, _ = await web.ask("DELETE", "/api/operators")
    assert status == 405


async def test_a_database_that_is_away_is_said(web: Web, desk: Controller, pool: Pool) -> None:
    pool.terminate()
    status, said = await web.post("/api/operators/anna/sign-in")
    assert (status, said["title"]) == (503, "database_away")


async def test_a_fault_of_ours_is_a_problem_without_its_insides(web: Web) -> None:
    web.server.desk = Desk(cast(Any, None), cast(Any, None), ZoneInfo("UTC"))
    status, said = await web.get("/api/operators")
    assert (status, said["title"]) == (500, "internal")
    assert "NoneType" not in str(said)


# What the counters are told


def test_an_attempt_is_counted_once_by_its_outcome() -> None:
    lead = Lead(1, 1, "+79031234567", 0, 0, 4)
    placed = Placed(id=uuid4(), campaign_id=1, lead=lead, trunk="t", placed_at=0.0)
    talk = placed.ringing(1.0).answered(4.0).bridged(4.5, "anna")
    names = ("prozvon_answered_total", "prozvon_talk_seconds_sum", "prozvon_ring_seconds_sum")
    outcome = {"outcome": "answered"}
    before = [metrics.value(name) for name in names]
    counted = metrics.value("prozvon_attempts_total", **outcome)
    metrics.attempt_ended("c", talk.ended(64.5, cause=16, sip_code=None, by=EndedBy.PERSON))
    gained = [metrics.value(name) - old for name, old in zip(names, before, strict=True)]
    assert gained == pytest.approx([1, 60, 3])
    assert metrics.value("prozvon_attempts_total", **outcome) == counted + 1
