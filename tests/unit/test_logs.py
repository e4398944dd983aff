"""Logs: personal data masked, one object a line, set up twice."""

import json
import logging
from typing import Any

import pytest
import structlog

from dialer import logs

pytestmark = pytest.mark.usefixtures("separate")


@pytest.mark.parametrize("format", ["console", "json"])
def test_personal_data_is_masked_in_every_log(
    format: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.set_up("debug", format)
    log = structlog.get_logger("test")
    nested = {"lead": 7, "pii_name": "Иван", "list": [{"pii_phone": "+79161234567"}]}
    log.info("dialed", pii_phone="+79161234567", details=nested, pii_none="")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "+7916" not in captured.err and "Иван" not in captured.err
    assert "***" in captured.err and "dialed" in captured.err


def test_json_logs_are_one_object_a_line_with_the_exception(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.set_up("info", "json")
    secret = "kept in a local variable"
    try:
        raise ValueError("broken")
    except ValueError:
        structlog.get_logger("a.b").exception("failed", count=3)
    logging.getLogger("other").warning("from %s", "a library")
    structlog.get_logger("a.b").debug("too_fine")
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["event"], first["level"], first["logger"], first["count"]) == (
        "failed",
        "error",
        "a.b",
        3,
    )
    assert "ValueError: broken" in first["exception"] and secret not in first["exception"]
    assert (second["event"], second["level"]) == ("from a library", "warning")


def test_logging_set_up_twice_writes_once(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up()
    logs.set_up("warning", "json")
    structlog.get_logger("x").warning("once")
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert len(logging.getLogger().handlers) == 1
