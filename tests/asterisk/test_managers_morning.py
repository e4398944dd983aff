"""The page about a manager's morning, word for word, on a real floor."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import re
import sys
from pathlib import Path

import pytest

from campaigns.pacing.words import LIMITED_BY
from campaigns.rules.model import RULES
from tests.fixtures_floor import FloorApp

PAGE = Path(__file__).parents[2] / "docs/how-to/managers-morning.md"
PROZVON = Path(sys.executable).parent


def blocks() -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def write_settings(floor: FloorApp, folder: Path) -> Path:
    """What the running controller has, as the file its commands read."""
    settings, file = floor.app.settings, folder / "prozvon.toml"
    url = settings.database.url
    assert url is not None
    trunk = settings.trunks[0]
    lines = [
        f"data_dir = {json.dumps(str(settings.data_dir))}",
        f"[database]\nurl = {json.dumps(url.get_secret_value())}",
        f"[floor]\nname = {json.dumps(settings.floor.name)}",
        f"[http]\nport = {settings.http.port}",
        "[asterisk]\nembedded = false",
        f"[[trunks]]\nname = {json.dumps(trunk.name)}\nhost = {json.dumps(trunk.host)}",
        f"port = {trunk.port}",
    ]
    file.write_text("\n".join(lines) + "\n")
    return file


def table_under(text: str, *titles: str) -> list[list[str]]:
    """The rows of the last table that has these columns first."""
    lines = [re.split("[│┃]", line)[1:-1] for line in text.splitlines()]
    cells = [[cell.strip() for cell in line] for line in lines]
    [*_, start] = [i for i, row in enumerate(cells) if tuple(row[: len(titles)]) == titles]
    rows = []
    for row in cells[start + 2 :]:
        if not row:
            break
        rows.append(row)
    return rows


def reads_why(text: str) -> None:
    """What a manager reads in `why`: the campaign runs, what limits it, where each lead is, and
    which rules count."""
    summary = {row[0]: row[1] for row in table_under(text, "march: running (progressive)")}
    assert summary["legal profile"] == "own"
    assert re.fullmatch(r"[1-3] in .+", summary["answered by people"])
    assert re.fullmatch(r"0 \(0\.00 %, cap [\d.]+ %\)", summary["abandoned"])
    assert summary["ringing at least until given up"] == "8 s"

    limits = table_under(text, "limited by", "decisions of the last hour")
    assert limits and all(name in LIMITED_BY and int(n) > 0 for name, n, _ in limits)
    assert [told for name, _, told in limits] == [LIMITED_BY[name].en for name, _, _ in limits]
    decisions = table_under(text, "at (UTC)", "asked", "placed")
    assert decisions and sum(int(placed) for _, _, placed, *_ in decisions) >= 1
    assert all(name in LIMITED_BY and why for *_, name, why in decisions if why)

    leads = table_under(text, "leads by rule", "leads")
    known = {*RULES, "dialable", "done", "in_call", "not_judged_yet"}
    assert {rule for rule, *_ in leads} <= known
    assert sum(int(count) for _, count, *_ in leads) == 3
    assert all(told for _, _, told, _ in leads)
    assert all(until != "–" for rule, *_, until in leads if rule == "retry_pause")

    rules = {row[0]: row[1:] for row in table_under(text, "rule", "what counts", "the campaign")}
    assert rules["ring_timeout_s"] == ["8 s", "8 s", "", "campaign"]
    assert rules["max_approaches"][0] == "4" and "hours.workday" in rules


@pytest.mark.timeout(400)  # some twenty commands, each a process of its own
async def test_the_page_word_for_word(floor_app: FloorApp, tmp_path: Path) -> None:
    await floor_app.sign_in("t1")
    folder = tmp_path / "morning"
    folder.mkdir()
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("PROZVON_")},
        "PATH": f"{PROZVON}:{os.environ['PATH']}",
        "PROZVON_CONFIG": str(write_settings(floor_app, folder)),
        "PYTHONPATH": str(PAGE.parents[2]),
    }
    said = []
    for block in blocks():
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euo", "pipefail", "-c", block),
            cwd=folder,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await asyncio.wait_for(process.communicate(), 150)
        said.append(out.decode())
        assert process.returncode == 0, f"{block}\n{out.decode()}"
    imported, rejects, created, running, edited, results = said
    assert "7.9E+10" in rejects and "clients" in rejects
    assert "3 leads" in created and "is running" in created
    assert "conversations" in running
    reads_why(running)
    assert "max_approaches" in edited and "is running" in edited
    assert "1 conversations" in results or "2 conversations" in results
    with (folder / "march.csv").open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter=";"))
    assert rows and all(row["talk_s"] for row in rows)
    assert "budget" in rows[0]
    assert (folder / "march.xlsx").stat().st_size > 4000
    again = (folder / "march-again.toml").read_text()
    assert "max_approaches = 3" in again and '"10:00"' in again
    [status] = await floor_app.pool.fetch("select status from campaign where name = 'march'")
    assert status["status"] in ("running", "finished")
    assert imported
