"""Files of sound: two mono legs become one stereo file, and a listener gets the channels wanted.

WAV is written by Python's own library, Opus by libsndfile (`soundfile`), which also reads both.
Samples are 16 bits, native order, interleaved; rates as the node writes them (8000 a second).
"""

from __future__ import annotations

import array
import hashlib
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import soundfile

from monitoring.recordings.model import Channels

Format = Literal["wav", "opus"]

BLOCK_FRAMES = 8000
WAV_HEADER_BYTES = 44
SAMPLE_BYTES = 2
DEFAULT_RATE_HZ = 8000


@dataclass(frozen=True, slots=True)
class Made:
    """A finished file."""

    path: Path
    seconds: float
    bytes: int
    sha256: str


def is_complete(leg: Path) -> bool:
    """Whether the node has closed this file: only then its header has the true length."""
    try:
        with leg.open("rb") as file:
            header = file.read(WAV_HEADER_BYTES)
        said = int.from_bytes(header[40:44], "little")
        return len(header) == WAV_HEADER_BYTES and said > 0 and leg.stat().st_size >= said + 44
    except OSError:
        return False


def merge(legs: tuple[Path, Path], made: Path, format: Format) -> Made:
    """Writes both legs into the left and the right channel of `made`, in one step.

    The shorter leg is filled with silence. A leg that is missing is silent; so is what a node
    that died did not write. Raises OSError (with a full disk among others).
    """
    partial = made.with_name(f".{made.name}.part")
    try:
        rate = next((_rate(leg) for leg in legs if leg.exists()), DEFAULT_RATE_HZ)
        with _writer(partial, rate, format) as write:
            frames = sum(write(block) for block in _stereo(legs))
        made_of = Made(made, frames / rate, partial.stat().st_size, _sha256(partial))
        partial.replace(made)
    finally:
        partial.unlink(missing_ok=True)
    return made_of


def _rate(leg: Path) -> int:
    with leg.open("rb") as file:
        header = file.read(WAV_HEADER_BYTES)
    return int.from_bytes(header[24:28], "little") or DEFAULT_RATE_HZ


def _stereo(legs: tuple[Path, Path]) -> Iterator[array.array[int]]:
    """Blocks of both legs, interleaved, as long as the longer one."""
    left, right = (_samples(leg) for leg in legs)
    nothing: array.array[int] = array.array("h")
    while True:
        one, other = next(left, nothing), next(right, nothing)
        frames = max(len(one), len(other))
        if not frames:
            return
        block = array.array("h", bytes(2 * frames * SAMPLE_BYTES))
        block[0 : 2 * len(one) : 2] = one
        block[1 : 2 * len(other) : 2] = other
        yield block


def _samples(leg: Path) -> Iterator[array.array[int]]:
    """The sound of a leg, without trust in its header: the node may have died."""
    if not leg.exists():
        return
    with leg.open("rb") as file:
        file.seek(WAV_HEADER_BYTES)
        while data := file.read(BLOCK_FRAMES * SAMPLE_BYTES):
            yield array.array("h", data[: len(data) // SAMPLE_BYTES * SAMPLE_BYTES])


@contextmanager
def _writer(path: Path, rate: int, format: Format) -> Iterator[Any]:
    """Gives a function that appends a stereo block and returns its frames."""
    if format == "wav":
        with path.open("wb") as raw, wave.open(raw, "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(SAMPLE_BYTES)
            file.setframerate(rate)

            def write_wav(block: array.array[int]) -> int:
                file.writeframesraw(block.tobytes())
                return len(block) // 2

            yield write_wav
    else:
        with soundfile.SoundFile(path, "w", rate, 2, subtype="OPUS", format="OGG") as opus:

            def write_opus(block: array.array[int]) -> int:
                opus.buffer_write(block.tobytes(), dtype="int16")
                return len(block) // 2

            yield write_opus


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Listening:
    """One or both mixed channels of a file as mono WAV, block by block."""

    def __init__(self, path: Path, channels: Channels) -> None:
        """Raises OSError when there is no such file, soundfile.LibsndfileError for a broken one."""
        if not path.is_file():
            raise FileNotFoundError(f"{path} is gone")
        self._file, self._channels = soundfile.SoundFile(path), channels

    def head(self) -> bytes:
        """The header of the WAV file whose blocks follow."""
        data = self._file.frames * SAMPLE_BYTES
        rate = self._file.samplerate
        return b"".join(
            (
                b"RIFF", (data + 36).to_bytes(4, "little"), b"WAVEfmt ",
                (16).to_bytes(4, "little"), (1).to_bytes(2, "little"), (1).to_bytes(2, "little"),
                rate.to_bytes(4, "little"), (rate * SAMPLE_BYTES).to_bytes(4, "little"),
                SAMPLE_BYTES.to_bytes(2, "little"), (16).to_bytes(2, "little"),
                b"data", data.to_bytes(4, "little"),
            )
        )  # fmt: skip

    def block(self) -> bytes:
        """The next second or so; empty at the end."""
        data = array.array("h", bytes(self._file.buffer_read(BLOCK_FRAMES, dtype="int16")))
        if self._channels is Channels.PERSON:
            return data[0::2].tobytes()
        if self._channels is Channels.OPERATOR:
            return data[1::2].tobytes()
        mixed = (
            max(-32768, min(32767, a + b)) for a, b in zip(data[0::2], data[1::2], strict=True)
        )
        return array.array("h", mixed).tobytes()

    def close(self) -> None:
        self._file.close()
