"""`prozvon demo` as its user runs it: own servers, a list dialed, counts like the carrier's."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from dialer.asterisk.packages import AsteriskRuntime
from dialer.demo.run import CARRIER_AMI_PORT, CARRIER_SIP_PORT
from tests.fixtures_asterisk import PROJECT
from tests.fixtures_prometheus import running_prometheus
from tests.monitoring.panels import every_panel_has_data
from tests.ports import free_port, reserve

OPERATOR_KEYS = {
    "name",
    "dials",
    "conversations",
    "line_seconds",
    "dial_interval_seconds",
    "states",
}


PROZVON = Path(sys.executable).parent / "prozvon"
DATA_DIR = PROJECT / "var" / f"test-demo-{os.getpid()}"
PORTS = {"SIP_PORT": 15060, "AMI_PORT": 15038, "HTTP_PORT": 18088}
CARRIER_PORTS = (CARRIER_SIP_PORT, CARRIER_AMI_PORT)


def free_offset() -> int:
    """How far from the defaults the demo's ports are all free; the carrier's move along."""
    offsets = random.sample(range(200, 1900), 200)
    ports = (*PORTS.values(), *CARRIER_PORTS)
    return next(o for o in offsets if reserve([port + o for port in ports]))


@asynccontextmanager
async def demo(
    tmp_path: Path,
    http_port: int,
    *arguments: str,
    offset: int,
    stderr: int = asyncio.subprocess.DEVNULL,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command, on ports of its own."""
    data_dir = DATA_DIR
    environment = {f"PROZVON_ASTERISK__{key}": str(port + offset) for key, port in PORTS.items()}
    environment |= {
        "PROZVON_ASTERISK__RTP_FIRST": "20000",
        "PROZVON_ASTERISK__RTP_LAST": "20999",
        "PROZVON_AGI__PORT": str(free_port()),
        "PROZVON_HTTP__PORT": str(http_port),
        "PROZVON_CACHE_DIR": str(PROJECT / ".cache"),
    }
    process = await asyncio.create_subprocess_exec(
        PROZVON,
        *("demo", "--json", "--data-dir", str(data_dir)),
        *arguments,
        env={**os.environ, **environment},
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        shutil.rmtree(data_dir, ignore_errors=True)


async def test_the_demo_dials_a_list_and_agrees_with_the_carrier(
    asterisk_runtime: AsteriskRuntime, prometheus_programs: Path, tmp_path: Path
) -> None:
    arguments = ("--contacts", "8", "--operators", "3", "--seed", "11")
    http_port, offset = free_port(), free_offset()
    targets = {
        "prozvon": f"127.0.0.1:{http_port}",
        "asterisk": f"127.0.0.1:{PORTS['HTTP_PORT'] + offset}",
    }
    async with (
        running_prometheus(prometheus_programs, tmp_path / "prometheus", targets) as prometheus,
        demo(tmp_path, http_port, *arguments, offset=offset) as process,
    ):
        output, _ = await asyncio.wait_for(process.communicate(), 150)
        await every_panel_has_data(prometheus)
    result = json.loads(output)
    assert (process.returncode, result["ok"], result["problems"]) == (0, True, [])
    assert result["attempts"] == result["carrier"]["calls"] >= 8
    assert sum(result["outcomes"].values()) == result["attempts"]
    assert result["answered"] == result["carrier"]["answered"] >= result["conversations"] > 0
    assert (result["abandoned"], result["double_dialed"]) == (0, 0)
    assert set(result["answer_to_operator_ms"]) == {"p50", "p95", "p99", "max"}
    assert len(result["operators"]) == 3
    for operator in result["operators"]:
        assert set(operator) == OPERATOR_KEYS
    assert sum(operator["dials"] for operator in result["operators"]) == result["attempts"]


async def test_a_campaign_of_ones_own_is_dialed_and_counted(
    asterisk_runtime: AsteriskRuntime, tmp_path: Path
) -> None:
    """As a newcomer makes it beside `make run`: no trunk is named, nor in the settings."""
    (tmp_path / "base.csv").write_text("phone\n+79217650103\n+79217650203\n")
    port = free_port()
    own = {
        "PROZVON_FLOOR__NAME": "demo",
        "PROZVON_DATA_DIR": str(DATA_DIR),
        "PROZVON_HTTP__PORT": str(port),
    }

    async def command(*words: str) -> Any:
        process = await asyncio.create_subprocess_exec(
            PROZVON, *words, "--json",
            env={**os.environ, **own}, cwd=tmp_path, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, _ = await asyncio.wait_for(process.communicate(), 60)
        return json.loads(output)

    async def until(*words: str, shows: Callable[[Any], bool]) -> None:
        async with asyncio.timeout(100):
            while not shows(await command(*words)):
                await asyncio.sleep(0.5)

    def answered_twice(said: Any) -> bool:
        return bool(said[0]["outcomes"]["answered"] == 2)

    arguments = ("--contacts", "2", "--operators", "2", "--seed", "11", "--endless")
    async with demo(tmp_path, port, *arguments, offset=free_offset()) as process:
        await until("trunk", "status", shows=lambda said: "error" not in said)
        await command("list", "import", "base.csv", "--name", "mine")
        brief = ("--set", "brief.client=own", "--set", "brief.payment=in_house")
        made = await command("campaign", "create", "mine", "--list", "mine", *brief)
        assert (made.get("leads"), made.get("trunk")) == (2, "carrier"), made
        await command("campaign", "approve", "mine")
        started = await command("campaign", "start", "mine")
        assert started.get("status") == "running", started
        await until("campaign", "status", "mine", shows=answered_twice)
        process.send_signal(signal.SIGINT)
        output, _ = await asyncio.wait_for(process.communicate(), 60)
    result = json.loads(output)
    assert (result["ok"], result["problems"]) == (True, [])
    assert result["attempts"] == result["carrier"]["calls"] >= 4


async def test_a_demo_that_cannot_start_is_stopped_by_one_signal_and_says_why(
    asterisk_runtime: AsteriskRuntime, tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port, offset = taken.getsockname()[1], free_offset()
        pipe = asyncio.subprocess.PIPE
        async with demo(tmp_path, port, "--contacts", "2", offset=offset, stderr=pipe) as process:
            assert process.stderr is not None
            while b"cannot_start" not in (line := await process.stderr.readline()):
                assert line, "it ended without saying that it cannot start"
            process.send_signal(signal.SIGTERM)
            output, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    assert "HTTP cannot listen" in json.loads(output)["error"]["message"]
