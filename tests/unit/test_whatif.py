"""Simulations: files with errors at their line, means with intervals, the picture."""

from __future__ import annotations

import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from dialer.cli import invoke
from dialer.commands.simulate_page import page
from dialer.pacing_sim import Shift
from dialer.whatif import Plan, dials_per_lead, estimate, outlook_of, trial
from dialer.whatif_file import PlanFileError, read_plan

PLAN = """\
name = "spring <list>"
operators = 4
hours = 0.5
lines = 30
leads = 4000
approaches = 3

[answer]
percent = [[0, 30], [0.25, 12]]

[times]
to_answer = { mean = 11, variation = 0.5 }
to_failure = [{ weight = 3, low = 25, high = 32 }, { low = 2, high = 6 }]
talk = { values = [20, 60, 90] }
wrap_up = 15
"""


def test_a_stated_plan() -> None:
    plan = read_plan(PLAN, "plan.toml")
    scenario = plan.scenario
    assert (scenario.name, scenario.operators, scenario.hours) == ("spring <list>", 4, 0.5)
    assert scenario.chance == ((0.0, 0.30), (900.0, 0.12))
    assert scenario.lines == 30
    assert (plan.mode, plan.cap, plan.window_s, plan.leads) == ("predictive", 0.03, 86_400.0, 4000)
    assert plan.dials_per_lead == pytest.approx((1 - 0.79**3) / 0.21)


WRONG = [
    ("operators = 4", "operators = 0", 2, "give 1 to 1000"),
    ("operators = 4", "operators = true", 2, "give 1 to 1000"),
    ("hours = 0.5", "hours = nan", 3, "give 0.1 to 24"),
    ("lines = 30", "line = 30", 4, "line is not known"),
    ("leads = 4000", "leads = ", None, "Invalid value"),
    ("[[0, 30], [0.25, 12]]", "[[1, 30]]", 9, "begins at hour 0"),
    ("[[0, 30], [0.25, 12]]", "130", 9, "per cent 0 to 100"),
    ("[[0, 30], [0.25, 12]]", "[[0, 30], 'x']", 9, "a list of"),
    ("variation = 0.5", "variation = 0", 12, "variation"),
    ("variation = 0.5", "", None, ""),
    ("weight = 3", "weight = -1", 13, "a weight is above 0"),
    ("low = 2, high = 6", "low = 9, high = 6", 13, "is above high"),
    ("values = [20, 60, 90]", "values = []", 14, "list of seconds"),
    ("values = [20, 60, 90]", "values = [20, -1]", 14, "not between 0"),
    ("wrap_up = 15", "", 11, "wrap_up is missing"),
    ("wrap_up = 15", "wrap_up = 'x'", 15, "times are a number"),
    ("[times]", "[time]", 11, "time is not known"),
]


@pytest.mark.parametrize(("old", "new", "line", "what"), WRONG)
def test_errors_name_the_line(old: str, new: str, line: int | None, what: str) -> None:
    with pytest.raises(PlanFileError) as caught:
        read_plan(PLAN.replace(old, new, 1), "plan.toml")
    assert what in str(caught.value)
    assert re.search("[а-я]", caught.value.to("ru").partition(": ")[2])
    if line is not None:
        assert f"plan.toml, line {line}:" in str(caught.value)
        assert f"plan.toml, строка {line}:" in caught.value.to("ru")


def test_estimates_are_students() -> None:
    assert estimate([3.0]).half_width is None
    found = estimate([1.0, 2.0, 3.0])
    assert found.mean == 2.0
    assert found.half_width == pytest.approx(4.303 / math.sqrt(3), rel=1e-3)


def test_dials_until_a_lead_is_done() -> None:
    assert dials_per_lead(1.0, 4) == 1.0
    assert dials_per_lead(0.0, 4) == 4.0
    assert dials_per_lead(0.5, 2) == 1.5


def test_an_outlook_adds_up() -> None:
    plan = Plan(read_plan(PLAN, "x").scenario, cap=0.03, leads=100, dials_per_lead=2.0)
    shifts = [
        Shift(7200.0, 3600.0, 50, 20, 1, 10, 12),
        Shift(7200.0, 5400.0, 100, 20, 0, 20, 9),
    ]
    outlook = outlook_of(plan, shifts)
    assert outlook.conversations_per_operator_hour.mean == 7.5
    assert outlook.utilisation.mean == 0.625
    assert outlook.wait_s.mean == pytest.approx((360.0 + 90.0) / 2)
    assert (outlook.over_cap, outlook.lines_needed) == (1, 12)
    assert outlook.days_to_finish is not None
    assert outlook.days_to_finish.mean == 3.0


def test_predictive_waits_less_and_more_operators_end_the_list_sooner() -> None:
    plan = read_plan(PLAN, "x")
    plain, ahead = (trial(plan.in_mode(mode), 0) for mode in ("progressive", "predictive"))
    assert ahead.wait_s < plain.wait_s
    more = outlook_of(plan, [trial(plan.with_operators(8), 0)]).days_to_finish
    less = outlook_of(plan, [trial(plan, 0)]).days_to_finish
    assert more is not None
    assert less is not None
    assert more.mean < less.mean


class _Page(HTMLParser):
    """Texts, and whatever would load something."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.bars = 0
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.bars += tag == "rect"
        self.loads += [str(attrs) for name, _ in attrs if name in ("src", "href")]
        self.loads += [tag] if tag == "script" else []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize(("language", "word"), [("en", "Lines needed"), ("ru", "Нужно линий")])
def test_the_picture_is_whole_and_loads_nothing(language: str, word: str) -> None:
    plan = read_plan(PLAN, "x")
    shift = Shift(7200.0, 3600.0, 50, 20, 1, 10, 12)
    found = [outlook_of(plan.in_mode(m), [shift, shift]) for m in ("progressive", "predictive")]
    read = _Page()
    read.feed(page("a <b> & c", 0.03, found, language, really="1 < 2"))
    assert read.bars == 5 * 2
    assert read.loads == []
    assert word in read.texts
    assert "1 < 2" in read.texts
    assert "1 < 2" not in page("a", 0.03, found, language)
    assert any("a <b> & c" in text for text in read.texts)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = invoke(["simulate", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_the_command(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    code, data = run(
        capsys, "--file", "plan.toml", "--operators", "2,3", "--replications", "2",
        "--hours", "0.3", "--html", "out.html", "--lang", "ru",
    )  # fmt: skip
    assert code == 0
    assert [(o["operators"], o["mode"]) for o in data["outlooks"]] == [
        (2, "progressive"), (2, "predictive"), (3, "progressive"), (3, "predictive"),
    ]  # fmt: skip
    assert all(o["replications"] == 2 for o in data["outlooks"])
    assert all(o["conversations_per_operator_hour"]["mean"] > 0 for o in data["outlooks"])
    assert "Нужно линий" in (tmp_path / "out.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("before", [("--lang", "ru"), ()])
def test_the_table_is_in_the_language_asked_for(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    before: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    asked = ("--file", "plan.toml", "--operators", "2", "--replications", "1", "--hours", "0.1")
    after = () if before else ("--lang", "ru")
    assert invoke([*before, "simulate", *asked, *after, "--html", "out.html"]) == 0
    told = capsys.readouterr().out
    assert "разговоров на час оператора" in told
    assert "предиктивный" in told
    assert "predictive" not in told
    assert "Нужно линий" in (tmp_path / "out.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "id"),
    [
        ((), "which_plan"),
        (("name", "--file", "plan.toml"), "which_plan"),
        (("--file", "nowhere.toml"), "system_error"),
        (("--file", "plan.toml", "--operators", "5,x"), "bad_value"),
        (("--file", "plan.toml", "--operators", "0"), "bad_value"),
        (("--file", "plan.toml", "--replay", "2026-01-01"), "which_plan"),
        (("name", "--replay", "yesterday"), "bad_value"),
        (("--file", "latin.toml",), "bad_plan"),
        (("--file", "plan.toml", "--replications", "1000", "--html", "no/where.html"),
         "system_error"),
    ],
)  # fmt: skip
def test_wrong_requests_are_told_what_to_do(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    id: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    (tmp_path / "latin.toml").write_bytes(b"name = '\xff'")
    code, data = run(capsys, *arguments)
    assert code == 1
    assert data["error"]["id"] == id


def test_a_file_that_is_not_there_is_told_in_the_language_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = {}
    for language in ("en", "ru"):
        assert invoke(["--lang", language, "simulate", "--file", "nowhere.toml"]) == 1
        told[language] = capsys.readouterr().err
    assert told["en"] == "prozvon: nowhere.toml: there is no such file or folder\n"
    assert told["ru"] == "prozvon: nowhere.toml: такого файла или папки нет\n"
