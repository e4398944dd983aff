"""Recordings: spans, names, and files of sound made of what a node wrote."""

import array
import hashlib
import wave
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from monitoring.recordings import audio
from monitoring.recordings.model import (
    Channels,
    RecordingError,
    base_of,
    channels_of,
    check_days,
    legs_of,
    pauses_of,
)

BEGAN = datetime(2026, 3, 9, 10, tzinfo=UTC)
seconds = st.floats(-100, 500, allow_nan=False)


def at(offset: float) -> datetime:
    return BEGAN + timedelta(seconds=offset)


@given(length=st.floats(0, 300), spans=st.lists(st.tuples(seconds, st.none() | st.floats(0, 400))))
def test_pauses_lie_inside_the_recording_in_order(
    length: float, spans: list[tuple[float, float | None]]
) -> None:
    given_spans = [(at(a), None if d is None else at(a + d)) for a, d in spans]
    found = pauses_of(BEGAN, at(length), given_spans)
    assert all(0 <= p.from_s < p.to_s <= length + 1e-6 for p in found)
    assert [p.from_s for p in found] == sorted(p.from_s for p in found)


def test_a_pause_that_nobody_ended_lasts_to_the_end() -> None:
    (pause,) = pauses_of(BEGAN, at(60), [(at(50), None)])
    assert (pause.from_s, pause.to_s) == (50, 60)


def test_names_of_legs_come_from_the_recordings_name() -> None:
    assert base_of("/r/2026/03/09/x.wav") == "/r/2026/03/09/x"
    person, ours = legs_of("/r/x.wav")
    assert (str(person), str(ours)) == ("/r/x-person.wav", "/r/x-operator.wav")


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(RecordingError, match="stereo, mono, person, operator"):
        channels_of("left")
    for days in (0, -1, 40_000):
        with pytest.raises(RecordingError, match="1 to 36500 days"):
            check_days(days)


def write_leg(path: Path, samples: list[int]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(array.array("h", samples).tobytes())


@given(
    person=st.lists(st.integers(-32768, 32767), max_size=300),
    ours=st.lists(st.integers(-32768, 32767), max_size=300),
)
def test_a_merged_file_has_every_sample_of_both_legs_on_its_side(
    tmp_path_factory: pytest.TempPathFactory, person: list[int], ours: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("legs")
    legs = legs_of(folder / "x.wav")
    write_leg(legs[0], person)
    write_leg(legs[1], ours)
    made = audio.merge(legs, folder / "x.wav", "wav")
    frames = max(len(person), len(ours))
    assert made.seconds == frames / 8000
    assert made.bytes == made.path.stat().st_size == 44 + 4 * frames
    assert made.sha256 == hashlib.sha256(made.path.read_bytes()).hexdigest()
    with wave.open(str(made.path)) as file:
        data = array.array("h", file.readframes(frames))
    assert list(data[0::2]) == person + [0] * (frames - len(person))
    assert list(data[1::2]) == ours + [0] * (frames - len(ours))
    assert not list(folder.glob(".*"))


def listened(path: Path, channels: Channels) -> list[int]:
    sound = audio.Listening(path, channels)
    data = sound.head()
    while block := sound.block():
        data += block
    sound.close()
    out = path.with_name("heard.wav")
    out.write_bytes(data)
    with wave.open(str(out)) as file:
        assert (file.getnchannels(), file.getframerate()) == (1, 8000)
        return list(array.array("h", file.readframes(file.getnframes())))


def test_a_listener_hears_one_side_or_both_mixed_and_never_too_loud(tmp_path: Path) -> None:
    legs = legs_of(tmp_path / "x.wav")
    person, ours = [1000, 30000, -30000, 5], [10, 10000, -10000, -7]
    write_leg(legs[0], person * 5000)
    write_leg(legs[1], ours * 5000)
    path = audio.merge(legs, tmp_path / "x.wav", "wav").path
    assert listened(path, Channels.PERSON) == person * 5000
    assert listened(path, Channels.OPERATOR) == ours * 5000
    assert listened(path, Channels.MONO) == [1010, 32767, -32768, -2] * 5000


def test_a_leg_that_the_node_has_not_closed_is_known(tmp_path: Path) -> None:
    leg = tmp_path / "leg.wav"
    assert not audio.is_complete(leg)
    write_leg(leg, [1] * 100)
    assert audio.is_complete(leg)
    whole = leg.read_bytes()
    leg.write_bytes(whole[:150])
    assert not audio.is_complete(leg)
    leg.write_bytes(whole[:40] + bytes(4) + whole[44:])
    assert not audio.is_complete(leg)


def test_opus_keeps_length_and_channels(tmp_path: Path) -> None:
    legs = legs_of(tmp_path / "x.wav")
    write_leg(legs[0], [8000, -8000] * 8000)
    made = audio.merge(legs, tmp_path / "x.opus", "opus")
    with soundfile.SoundFile(made.path) as file:
        assert (file.channels, file.samplerate) == (2, 8000)
        assert file.frames == 16000
    assert made.seconds == 2.0


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    legs = legs_of(tmp_path / "x.wav")
    write_leg(legs[0], [1] * 10)
    with pytest.raises(OSError):
        audio.merge(legs, tmp_path / "gone" / "x.wav", "wav")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x-person.wav"]
