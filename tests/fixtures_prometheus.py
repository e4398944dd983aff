"""A real Prometheus on the shipped configuration, with addresses and a pace of its own."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from dialer.asterisk.packages import fetch_alone
from tests.fixtures_asterisk import PROJECT
from tests.ports import free_port

FILES = PROJECT / "monitoring/prometheus"
PROGRAMS = ("prometheus", "promtool")


@pytest.fixture(scope="session")
def prometheus_programs() -> Path:
    """The folder with `prometheus` and `promtool`: installed ones, or Debian's, fetched."""
    found = [shutil.which(name) for name in PROGRAMS]
    if found[0] and found[1]:
        return Path(found[0]).parent
    root = fetch_alone(PROJECT / ".cache/prometheus", PROGRAMS, lambda line: None)
    return root / "usr/bin"


@dataclass(frozen=True)
class Prometheus:
    """A running server; `address` of its API."""

    address: str

    async def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer. Raises AssertionError with Prometheus's own words."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.address}/api/v1/{path}", params=parameters) as response,
        ):
            answer = await response.json()
        assert answer["status"] == "success", (parameters, answer)
        return answer["data"]

    async def is_ready(self) -> bool:
        """Whether it scrapes and answers."""
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{self.address}/-/ready") as response,
            ):
                return response.ok
        except aiohttp.ClientConnectionError:
            return False


@asynccontextmanager
async def running_prometheus(
    programs: Path, folder: Path, targets: dict[str, str]
) -> AsyncIterator[Prometheus]:
    """Prometheus with the shipped scrape jobs pointed at `targets` (job -> host:port), once a
    second; it is ready."""
    config = yaml.safe_load((FILES / "prometheus.yml").read_text())
    config["global"] = dict.fromkeys(("scrape_interval", "scrape_timeout"), "1s")
    config["global"]["evaluation_interval"] = "1s"
    config["rule_files"] = [str(FILES / "rules/*.yml")]
    for job in config["scrape_configs"]:
        job["static_configs"][0]["targets"] = [targets[job["job_name"]]]
    folder.mkdir()
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    process = await asyncio.create_subprocess_exec(
        programs / "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--log.level=error",
    )
    prometheus = Prometheus(f"http://{address}")
    try:
        while not await prometheus.is_ready():
            assert process.returncode is None, "Prometheus ended"
            await asyncio.sleep(0.1)
        yield prometheus
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
