"""Prometheus's configuration and rules as promtool reads them; every alert has page and case."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.fixtures_asterisk import PROJECT
from tests.fixtures_prometheus import FILES


def promtool(programs: Path, *arguments: str | Path) -> str:
    done = subprocess.run(
        [programs / "promtool", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FILES / "rules/alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_the_configuration_is_valid_and_brings_the_rules(prometheus_programs: Path) -> None:
    said = promtool(prometheus_programs, "check", "config", FILES / "prometheus.yml")
    assert f"SUCCESS: {len(alerts())} rules found" in said


def test_every_rule_does_what_its_cases_say(prometheus_programs: Path) -> None:
    said = promtool(prometheus_programs, "test", "rules", FILES / "tests/alerts.yml")
    assert "SUCCESS" in said


def test_every_alert_has_a_case_that_fires() -> None:
    cases = yaml.safe_load((FILES / "tests/alerts.yml").read_text())["tests"]
    fired = {
        case["alertname"]
        for test in cases
        for case in test["alert_rule_test"]
        if case["exp_alerts"]
    }
    assert fired == {rule["alert"] for rule in alerts()}


def test_every_alert_is_silent_on_an_ordinary_floor() -> None:
    """With all that it asks for: without its series it would be silent whatever it says."""
    cases = yaml.safe_load((FILES / "tests/alerts.yml").read_text())["tests"]
    (ordinary,) = [case for case in cases if case["name"].startswith("an ordinary floor")]
    silent = [case["alertname"] for case in ordinary["alert_rule_test"] if not case["exp_alerts"]]
    assert silent == [rule["alert"] for rule in alerts()]
    given = {series["series"].partition("{")[0] for series in ordinary["input_series"]}
    for rule in alerts():
        asked = set(re.findall(r"(?<![:\w])(?:prozvon_\w+|up\b)", expanded(rule["expr"])))
        assert asked and asked <= given, (rule["alert"], asked - given)


def expanded(expression: str) -> str:
    """With recorded names as what they are recorded from."""
    groups = yaml.safe_load((FILES / "rules/recording.yml").read_text())["groups"]
    for rule in (rule for group in groups for rule in group["rules"]):
        expression = expression.replace(rule["record"], f"({rule['expr']})")
    return expression


def test_every_alert_has_its_page() -> None:
    for rule in alerts():
        page = (PROJECT / rule["annotations"]["runbook"]).read_text()
        assert rule["alert"] in page, rule["alert"]


def test_rules_ask_for_metrics_that_exist() -> None:
    from monitoring.families import FAMILIES

    known = {family.name for family in FAMILIES}
    known |= {
        f"{f.name}_{part}" for f in FAMILIES if f.bounds for part in ("bucket", "count", "sum")
    }
    for file in (FILES / "rules").glob("*.yml"):
        for name in re.findall(r"(?<![:\w])prozvon_\w+", file.read_text()):
            assert name in known, f"{file.name}: {name}"
