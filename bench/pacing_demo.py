"""Predictive against progressive on a real Asterisk: one floor, two halves of one run.

    python bench/pacing_demo.py                 3 minutes, 20 operators; prints only
    python bench/pacing_demo.py --full          10 minutes; writes the page's part
    python bench/pacing_demo.py --seconds 120

The same operators and the same list: first progressive, then predictive, switched while it runs, so
that predictive begins with what was learned in progressive. The carrier draws every number's fate;
conversations and wrap-ups are shortened. Figures are cut from the operators' states in the
database; the ledger is held against the carrier's own record. Exit code 1 when the goal is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
from _page import write_part

from campaigns.campaign.model import NewCampaign
from dialer.config import load
from dialer.database.queries import Queries
from dialer.demo.bots import Habits, operate
from dialer.demo.carrier import Behaviour, SimulatedCarrier, TalkLaw
from dialer.demo.numbers import Kind, generate
from dialer.demo.run import Demo, DemoOptions, demo_settings

SQL = Queries.load(Path(__file__).with_name("pacing_demo.sql"))
SHARES = {
    Kind.PERSON: 0.30,
    Kind.NO_ANSWER: 0.40,
    Kind.BUSY: 0.12,
    Kind.INVALID: 0.08,
    Kind.REJECTED: 0.05,
    Kind.UNAVAILABLE: 0.05,
}
"""Nobody who answers is a machine: without detection the dialer would count it as a person."""
HABITS = Habits(wrap_up_s=(2.0, 6.0), talk_limit_s=(40.0, 60.0))
CAP = 0.03
SHORTER = 0.40


@dataclass(frozen=True)
class Half:
    """One mode's half. Seconds over all operators; people."""

    mode: str
    conversations: int
    waited_s: float
    worked_s: float
    answered: int
    abandoned: int

    @property
    def wait_s(self) -> float:
        return self.waited_s / max(1, self.conversations)

    @property
    def busy(self) -> float:
        return 1.0 - self.waited_s / max(1e-9, self.worked_s)

    @property
    def abandon_rate(self) -> float:
        return self.abandoned / max(1, self.answered)


class TwoHalves(Demo):
    """The demo, switched to predictive when half of its time is over."""

    async def _prepare(self, carrier: SimulatedCarrier) -> None:
        await carrier.set_behaviour(
            Behaviour(
                shares=SHARES, ring_min_s=2.0, ring_mean_s=6.0, ring_max_s=12.0,
                talk_law=TalkLaw.LOGNORMAL, talk_centre_s=14.0, talk_sigma=0.6, talk_max_s=40.0,
            )
        )  # fmt: skip
        await super()._prepare(carrier)

    def _campaign(self, name: str) -> NewCampaign:
        values = {
            "ring_timeout_s": 20.0,
            "post_dial_delay_s": 4.0,
            "wrap_up_limit_s": 30.0,
            "goals.list_end": False,
            "brief.client": "own",
            "brief.payment": "in_house",
        }
        return NewCampaign(name, (name,), "carrier", values)

    def _sample(self) -> Path:
        file = self._folder / "random.csv"
        with file.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, ["name", "phone", "city"])
            writer.writeheader()
            writer.writerows(generate(self.options.contacts, self._rng, {Kind.RANDOM: 1.0}))
        return file

    async def _dial(self, *, live: bool) -> None:
        bots = [
            asyncio.create_task(operate(self.app.desk, login, self._hand(login), HABITS))
            for login in self._logins()
        ]
        try:
            await self._halves()
            self.ledger = self.app.board.campaigns[self.campaign_id].engine.ledger
            await self._wait()
        finally:
            for bot in bots:
                bot.cancel()
        await self._app_task

    async def _halves(self) -> None:
        assert self.options.seconds is not None
        half = self.options.seconds / 2
        self.began = await self._all_ready()
        await asyncio.sleep(half)
        self.switched = time.time()
        await self.app.pool.execute(SQL["set_mode"], self.campaign_id, "predictive")
        await asyncio.sleep(half)
        self.ended = time.time()
        self._stop.set()

    async def _all_ready(self) -> float:
        while any(seat.state.kind == "connecting" for seat in self.app.board.seats.values()):
            await asyncio.sleep(0.1)
        return time.time()

    async def _result(
        self, carrier: SimulatedCarrier, counted_before: dict[str, float]
    ) -> dict[str, Any]:
        result = await super()._result(carrier, counted_before)
        connection = await asyncpg.connect(self.app.dsn, timeout=10)
        try:
            spans = (
                ("progressive", self.began, self.switched),
                ("predictive", self.switched, self.ended),
            )
            result["halves"] = [await self._half(connection, *span) for span in spans]
        finally:
            await connection.close()
        answered, abandoned = self.ledger.totals(time.time())
        calls = await asyncio.to_thread(carrier.record.calls, self.began_at)
        result["ledger"] = {
            "answered": answered,
            "answered at the carrier": sum(call.answered_at is not None for call in calls),
            "abandoned": abandoned,
            "abandoned in the database": result["abandoned"],
        }
        return result

    async def _half(
        self, connection: asyncpg.Connection, mode: str, begin: float, end: float
    ) -> Half:
        row = await connection.fetchrow(
            SQL["half"],
            self.campaign_id,
            datetime.fromtimestamp(begin, UTC),
            datetime.fromtimestamp(end, UTC),
        )
        assert row is not None
        return Half(mode, **row)


def problems(result: dict[str, Any]) -> list[str]:
    """What the run did not reach."""
    plain, ahead = result["halves"]
    found = list(result["problems"])
    if ahead.wait_s > (1.0 - SHORTER) * plain.wait_s:
        found.append(f"waiting is not {SHORTER:.0%} shorter")
    ledger = result["ledger"]
    if ledger["abandoned"] > CAP * ledger["answered"]:
        found.append(f"{ledger['abandoned']} of {ledger['answered']} abandoned")
    if ledger["answered"] != ledger["answered at the carrier"]:
        found.append(f"the ledger differs from the carrier: {ledger}")
    if ledger["abandoned"] != ledger["abandoned in the database"]:
        found.append(f"the ledger differs from the database: {ledger}")
    return found


def part(result: dict[str, Any], operators: int, seconds: float) -> str:
    """What stands in the page."""
    plain, ahead = result["halves"]
    ledger = result["ledger"]
    rows = "\n".join(
        f"| {h.mode} | {h.conversations} | {h.wait_s:.1f} | {100 * h.busy:.1f} | {h.answered} | "
        f"{h.abandoned} ({100 * h.abandon_rate:.1f} %) |"
        for h in (plain, ahead)
    )
    return (
        f"Written by `python bench/pacing_demo.py`: {operators} operators, {seconds / 60:.0f} "
        "minutes, half of them\nprogressive, then predictive, on a real Asterisk and the simulated "
        "carrier (30 % answer; talks of 14 s in the\nmedian; the switch is in the middle of the "
        "run).\n\n"
        "| mode | conversations | wait s | busy % | answered | abandoned |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        f"{rows}\n\n"
        f"Waiting between conversations is **{100 * (1 - ahead.wait_s / plain.wait_s):.0f} % "
        f"shorter**. The ledger counts {ledger['answered']} answered and\n{ledger['abandoned']} "
        f"abandoned, {100 * ledger['abandoned'] / max(1, ledger['answered']):.1f} % (the cap "
        f"is {100 * CAP:.0f} %) in the campaign's window; the carrier saw\n"
        f"{ledger['answered at the carrier']} answered, the database has "
        f"{ledger['abandoned in the database']} abandoned. The window is one for both halves: "
        "predictive also spends\nwhat was earned in progressive.\n"
    )


async def measured(operators: int, seconds: float, contacts: int) -> dict[str, Any]:
    base = load(None)
    settings = base.model_copy(update={"data_dir": base.data_dir / "bench-pacing"})
    options = DemoOptions(contacts=contacts, operators=operators, seconds=seconds)
    demo = TwoHalves(demo_settings(settings), options, _say, asyncio.Event())
    return await demo.run(live=False)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--operators", type=int, default=20)
    parser.add_argument("--full", action="store_true", help="ten minutes; writes the page")
    parser.add_argument("--seconds", type=float, help="180, or 600 with --full")
    parser.add_argument("--print", action="store_true", help="print only, write nothing")
    chosen = parser.parse_args()
    seconds: float = chosen.seconds or (600.0 if chosen.full else 180.0)
    contacts = int(chosen.operators * seconds * 0.6) + 500
    result = asyncio.run(measured(chosen.operators, seconds, contacts))
    text = part(result, chosen.operators, seconds)
    missed = problems(result)
    print(text)
    print(json.dumps({"ledger": result["ledger"], "problems": missed}, indent=2))
    if chosen.full and not chosen.print:
        write_part("demo", text)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
