"""A lock between processes that does not outlive its holder."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class LockTimeoutError(TimeoutError):
    """Another process held the lock for the whole waiting time."""


@contextmanager
def file_lock(
    path: Path, *, timeout_s: float, on_wait: Callable[[], None] | None = None
) -> Iterator[None]:
    """Hold an exclusive lock on `path` (created when missing, never removed).

    The kernel drops the lock when its holder dies, also by SIGKILL, so there is nothing stale
    to clean up. `on_wait` is called once if the lock is not free at once. Blocking: call it in
    a thread. Raises LockTimeoutError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + timeout_s
    with path.open("a") as handle:
        waited = False
        while not _try_lock(handle.fileno()):
            if not waited and on_wait is not None:
                on_wait()
            waited = True
            if time.monotonic() >= deadline:
                raise LockTimeoutError(
                    f"Another process holds {path} for more than {timeout_s:.0f} s. "
                    "Wait until it ends, or end it, then try again."
                )
            time.sleep(0.05)
        yield


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
