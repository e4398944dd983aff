"""Run one Asterisk instance on a rendered configuration folder, in the foreground of its own
session: it survives the death of this process and is adopted by the next one.

**Host name.** Asterisk looks up its machine's own host name. Where nothing answers (no resolver,
no line in /etc/hosts) PJSIP threads block for about 10 s a lookup and calls stay in `Down`.
`start` therefore checks the name first and logs `asterisk_hostname_unresolved` with the cure.
"""

import asyncio
import hashlib
import os
import signal
import socket
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import structlog

from dialer.asterisk.packages import AsteriskRuntime
from dialer.locks import file_lock

log = structlog.get_logger(__name__)

# A Unix socket's address holds 108 bytes with the closing NUL; Asterisk cuts a longer one.
SOCKET_PATH_LIMIT = 107
CLI_TIMEOUT_S = 10.0
POLL_S = 0.05
KILLED_WITHIN_S = 10.0


class AsteriskError(RuntimeError):
    """Asterisk did not start, stop or answer; the message says what to do."""


@dataclass(frozen=True)
class InstanceLayout:
    """Where one instance keeps its files. All folders are made by `create`."""

    name: str
    root: Path

    @property
    def etc(self) -> Path:
        """Rendered configuration: `astetcdir`."""
        return self.base / "etc"

    @property
    def log(self) -> Path:
        """`astlogdir`; also `console.log`, what the process itself printed."""
        return self.base / "log"

    @property
    def spool(self) -> Path:
        """`astspooldir`."""
        return self.base / "spool"

    @property
    def lib(self) -> Path:
        """`astvarlibdir` and `astdbdir`: the node's own database."""
        return self.base / "lib"

    @property
    def keys(self) -> Path:
        """`astkeydir`."""
        return self.base / "keys"

    @property
    def recordings(self) -> Path:
        """Where MixMonitor writes."""
        return self.base / "recordings"

    @property
    def run(self) -> Path:
        """`astrundir`: below `root`, or a short folder in /tmp when a socket there cannot be named.

        The short name depends on the layout's path alone, so a restarted program finds it again.
        """
        run = self.base / "run"
        if len(os.fsencode(run / "asterisk.ctl")) <= SOCKET_PATH_LIMIT:
            return run
        digest = hashlib.sha256(os.fsencode(self.base)).hexdigest()[:12]
        return Path(f"/tmp/prozvon-{os.geteuid()}-{digest}")  # noqa: S108 - owner is checked

    @property
    def base(self) -> Path:
        return self.root.absolute()

    @property
    def config(self) -> Path:
        """asterisk.conf, the file given to Asterisk by `-C`."""
        return self.etc / "asterisk.conf"

    @property
    def pidfile(self) -> Path:
        return self.run / "asterisk.pid"

    @property
    def control_socket(self) -> Path:
        return self.run / "asterisk.ctl"

    @property
    def console_log(self) -> Path:
        return self.log / "console.log"

    def create(self) -> None:
        """Make every folder. Raises AsteriskError if the short run folder is someone else's."""
        for folder in (self.etc, self.log, self.spool, self.lib, self.keys, self.recordings):
            folder.mkdir(parents=True, exist_ok=True)
        self.run.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = self.run.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            raise AsteriskError(
                f"{self.run} belongs to another user. Remove it, or move Prozvon to a folder "
                "with a shorter path."
            )


class AsteriskServer:
    """One Asterisk process: started, adopted, asked, stopped.

    The process is told from others by the `-C <config>` in its command line, and by its start
    time, so a process id that the kernel used again is never taken for it.
    """

    def __init__(self, runtime: AsteriskRuntime, layout: InstanceLayout) -> None:
        self.runtime = runtime
        self.layout = layout
        self._process: psutil.Process | None = None
        self._adopted = False

    @property
    def adopted(self) -> bool:
        """Whether `start` found the instance running; its configuration may need a reload."""
        return self._adopted

    @property
    def pid(self) -> int | None:
        """Process id while alive, else None."""
        return self._process.pid if self._process is not None and self.alive() else None

    def alive(self) -> bool:
        """Whether the process that was started or adopted still runs."""
        return self._process is not None and _is_alive(self._process)

    async def start(self, *, ready_timeout_s: float = 30) -> None:
        """Adopt the running instance of this layout or start one; return when fully booted.

        The configuration must be in `layout.etc` already. Raises AsteriskError with the last
        lines Asterisk printed. A process that is alive but not ready in time is left running,
        so that it can be looked at.
        """
        deadline = time.monotonic() + ready_timeout_s
        if not await hostname_resolves():
            log.warning(
                "asterisk_hostname_unresolved",
                hostname=socket.gethostname(),
                advice="add it to /etc/hosts, or calls may stall for 10 s",
            )
        await asyncio.to_thread(self._find_or_spawn)
        await self._wait_until_booted(deadline, ready_timeout_s)
        log.info(
            "asterisk_ready",
            instance=self.layout.name,
            pid=self.pid,
            adopted=self._adopted,
            version=self.runtime.version,
        )

    async def stop(self, grace_s: float = 5) -> None:
        """End the instance of this layout, also one that this object did not start.

        Calls in progress are hung up; after `grace_s` the process is killed.
        """
        await self._end(signal.SIGTERM, grace_s)
        if self.alive():
            log.warning("asterisk_killed_after_grace", instance=self.layout.name, grace_s=grace_s)
            await self.kill()

    async def kill(self) -> None:
        """SIGKILL, as a crash would do it; return when the process is gone."""
        await self._end(signal.SIGKILL, KILLED_WITHIN_S)
        if self.alive():
            raise AsteriskError(f"Asterisk {self.layout.name} (pid {self.pid}) cannot be killed.")

    async def cli(self, command: str, *, timeout_s: float = CLI_TIMEOUT_S) -> str:
        """What `asterisk -rx command` prints. For tests and `doctor`; the controller uses AMI.

        Raises AsteriskError when the instance does not answer.
        """
        code, output = await self._remote(command, timeout_s)
        if code != 0:
            raise AsteriskError(
                f"Asterisk {self.layout.name} does not answer on {self.layout.control_socket}: "
                f"{output.strip() or 'no answer'}. Is it running?"
            )
        return output

    # --- starting ------------------------------------------------------------------------------

    def _find_or_spawn(self) -> None:
        self.layout.create()
        if not self.layout.config.exists():
            raise AsteriskError(
                f"{self.layout.config} is missing: render the configuration before starting."
            )
        # Two starters at once would both find nothing and fight for the same SIP port.
        with file_lock(self.layout.base / "start.lock", timeout_s=30):
            self._process = self._find()
            self._adopted = self._process is not None
            if self._process is None:
                self._process = self._spawn()

    def _find(self) -> psutil.Process | None:
        return next((found for found in self._candidates() if self._is_ours(found)), None)

    def _candidates(self) -> Iterator[psutil.Process]:
        """The process named by Asterisk's pid file first; then all, for a lost pid file."""
        with suppress(OSError, ValueError, psutil.NoSuchProcess):
            yield psutil.Process(int(self.layout.pidfile.read_text()))
        yield from psutil.process_iter()

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            arguments = process.cmdline()
        except psutil.Error:
            return False
        return (
            str(self.layout.config) in arguments
            and "-f" in arguments
            and "-rx" not in arguments
            and _is_alive(process)
        )

    def _spawn(self) -> psutil.Process:
        try:
            # What Asterisk writes (recordings, journal, its database) is its owner's alone.
            mask = os.umask(0o077)
            try:
                return psutil.Process(self._spawn_detached())
            finally:
                os.umask(mask)
        except (OSError, psutil.NoSuchProcess) as error:
            raise AsteriskError(self._explain(f"could not be started: {error}")) from error

    def _spawn_detached(self) -> int:
        command = [*self.runtime.command, "-C", str(self.layout.config), "-f", "-n"]
        console = self.layout.console_log
        if console.exists():
            console.replace(console.with_suffix(".log.1"))
        write_new = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        # posix_spawn and not subprocess: nothing here may end the child when an object or an
        # event loop is closed, and Asterisk must stay when we are killed.
        return os.posix_spawn(
            command[0],
            command,
            _environment(),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(console), write_new, 0o640),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
            setsigmask=[],
            # Python ignores SIGPIPE and SIGXFSZ, and a child would inherit that.
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM],
        )

    async def _wait_until_booted(self, deadline: float, ready_timeout_s: float) -> None:
        while self.alive():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise AsteriskError(
                    self._explain(f"is not ready after {ready_timeout_s:.0f} s (pid {self.pid})")
                )
            if await self._answers_booted(left_s):
                return
            await asyncio.sleep(POLL_S)
        raise AsteriskError(self._explain("ended while starting"))

    async def _answers_booted(self, timeout_s: float) -> bool:
        # The command itself blocks until the modules are loaded, so there is no busy polling.
        try:
            code, output = await self._remote("core waitfullybooted", timeout_s)
        except AsteriskError:
            return False
        return code == 0 and "fully booted" in output

    def _explain(self, what: str) -> str:
        return (
            f"Asterisk {self.layout.name} {what}. Its last lines:\n{self._last_lines()}\n"
            f"Look into {self.layout.log} for more; the usual reasons are a port that is already "
            f"in use, a broken file in {self.layout.etc}, or a full disk."
        )

    def _last_lines(self, count: int = 12) -> str:
        try:
            lines = self.layout.console_log.read_text(errors="replace").splitlines()
        except OSError:
            lines = []
        return "\n".join(f"    {line}" for line in lines[-count:]) or "    (it printed nothing)"

    # --- ending and asking ---------------------------------------------------------------------

    async def _end(self, number: signal.Signals, timeout_s: float) -> None:
        if not self.alive():
            self._process = await asyncio.to_thread(self._find)
        process = self._process
        if process is None:
            return
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            return
        deadline = time.monotonic() + timeout_s
        # An adopted process is not our child: its end gives no event to wait for.
        while _is_alive(process) and time.monotonic() < deadline:
            await asyncio.sleep(POLL_S)

    async def _remote(self, command: str, timeout_s: float) -> tuple[int, str]:
        if "\n" in command or "\0" in command:
            raise AsteriskError("A console command is one line.")
        client = await asyncio.create_subprocess_exec(
            *self.runtime.command,
            "-C",
            str(self.layout.config),
            "-n",
            "-rx",
            command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=_environment(),
        )
        try:
            output, _ = await asyncio.wait_for(client.communicate(), timeout_s)
        except TimeoutError as error:
            raise AsteriskError(
                f"Asterisk {self.layout.name} did not answer `{command}` in {timeout_s:.0f} s."
            ) from error
        finally:
            if client.returncode is None:
                client.kill()
                await client.wait()
        return client.returncode or 0, output.decode(errors="replace")


async def hostname_resolves(*, timeout_s: float = 3) -> bool:
    """Whether this machine's own host name has an address (see the module's text)."""
    lookup = asyncio.get_running_loop().getaddrinfo(socket.gethostname(), None)
    try:
        await asyncio.wait_for(lookup, timeout_s)
    except (OSError, TimeoutError):
        return False
    return True


def _environment() -> Mapping[str, str]:
    # Asterisk writes its console history into HOME and colours by TERM; neither is wanted.
    return {**os.environ, "TERM": "dumb", "LC_ALL": "C.UTF-8"}


def _is_alive(process: psutil.Process) -> bool:
    """False also for a dead child that is not collected yet, which is collected here.

    A killed process is a zombie while threads of it still run and its sockets still answer.
    """
    try:
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            return True
        if process.num_threads() > 1:
            return True
        os.waitpid(process.pid, os.WNOHANG)
    except (psutil.NoSuchProcess, ChildProcessError):
        pass
    return False
