"""The command line in the test's own process, with settings in a folder of its own."""

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from dialer.cli import invoke
from tests.ports import free_port

TRUNK = "[[trunks]]\nname = 'carrier'\nhost = '127.0.0.1'\n"


@pytest.fixture
def separate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Own folder, own settings, and logging as it was."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROZVON_CONFIG", raising=False)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@dataclass
class Prozvon:
    """The command in this process, with its settings in the working folder."""

    capsys: pytest.CaptureFixture[str]
    http_port: int
    data_dir: Path

    def __call__(self, *arguments: str) -> tuple[int, Any]:
        """Exit code and the one JSON document on stdout."""
        code = invoke([*arguments, "--json"])
        return code, json.loads(self.capsys.readouterr().out)

    async def later(self, *arguments: str) -> tuple[int, Any]:
        """The same beside a running loop; commands have their own."""
        return await asyncio.to_thread(self, *arguments)

    async def done(self, *arguments: str) -> Any:
        code, data = await self.later(*arguments)
        assert code == 0, data
        return data

    async def refused(self, *arguments: str) -> str:
        """The id of the error."""
        code, data = await self.later(*arguments)
        assert code == 1 and set(data) == {"error"}
        assert data["error"]["message"]
        return str(data["error"]["id"])

    def text(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr for people."""
        code = invoke(arguments)
        captured = self.capsys.readouterr()
        return code, captured.out, captured.err


def write_settings(tmp_path: Path, http_port: int, database: str = "") -> Path:
    """Settings with ports where nothing listens."""
    file, nobody = tmp_path / "prozvon.toml", free_port()
    url = f"[database]\nurl = '{database}'\n" if database else ""
    asterisk = f"[asterisk]\nembedded = false\nhttp_port = {nobody}\nami_port = {nobody}\n"
    http = f"[http]\nport = {http_port}\n"
    file.write_text(f"data_dir = '{tmp_path}/data'\n{url}{asterisk}{http}{TRUNK}")
    return file


@pytest.fixture
def prozvon(separate: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Prozvon:
    """Without a database."""
    port = free_port()
    write_settings(tmp_path, port, f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    return Prozvon(capsys, port, tmp_path / "data")


@pytest.fixture
async def with_database(
    separate: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], empty_database: str
) -> Prozvon:
    """With a database that has no tables yet."""
    port = free_port()
    write_settings(tmp_path, port, empty_database)
    return Prozvon(capsys, port, tmp_path / "data")
