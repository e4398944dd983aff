"""The CEL journal: lines, damage, rotation, reading from a moment on, channel histories."""

import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.asterisk.cel import (
    JOURNAL_COLUMNS,
    JOURNAL_EVENTS,
    JOURNAL_MAPPING,
    BridgeStay,
    CelEvent,
    CelJournal,
    CelKind,
    UserEvent,
    parse_line,
    summarise,
)


def line(
    event: str,
    at: float,
    unique_id: str = "a",
    *,
    extra: dict[str, object] | None = None,
    user_event: str = "",
) -> str:
    """A line as Asterisk writes it."""
    fields = [event, f"{at:.6f}", unique_id, unique_id, "PJSIP/x-1", "s", "c", ""]
    fields += [json.dumps(extra) if extra else "", user_event]
    return ",".join('"' + field.replace('"', '""') + '"' for field in fields)


def parsed(text: str) -> CelEvent:
    event = parse_line(text)
    assert event is not None
    return event


def ats(journal: CelJournal, since: float | None = None) -> list[float]:
    return [event.at for event in journal.read(since)]


def test_the_mapping_names_every_column_once() -> None:
    assert JOURNAL_MAPPING.count("CSV_QUOTE(") == len(JOURNAL_COLUMNS)
    assert "\n" not in JOURNAL_MAPPING
    assert {kind.value for kind in CelKind} == set(JOURNAL_EVENTS)


def test_a_line_written_by_asterisk_is_read() -> None:
    event = parse_line(
        '"HANGUP","1795299710.697471","prozvon-carrier-1795299710.3","linked.1",'
        '"PJSIP/pbx-00000003","busy","carrier-people","PJSIP/peer-1",'
        '"{""hangupcause"":17,""hangupsource"":""PJSIP/pbx-00000003"",""dialstatus"":""""}",""'
    )
    assert event == CelEvent(
        kind=CelKind.HANGUP,
        at=1795299710.697471,
        unique_id="prozvon-carrier-1795299710.3",
        linked_id="linked.1",
        channel="PJSIP/pbx-00000003",
        exten="busy",
        context="carrier-people",
        peer="PJSIP/peer-1",
        extra={"hangupcause": 17, "hangupsource": "PJSIP/pbx-00000003", "dialstatus": ""},
        user_event="",
    )


def test_a_user_event_is_known_by_its_name_column() -> None:
    for event_column in ("PROZVON_TAKEN", "USER_DEFINED"):
        text = line(event_column, 1795299710.5, extra={"extra": "x y"}, user_event="PROZVON_TAKEN")
        event = parsed(text)
        assert (event.kind, event.user_event) == (CelKind.USER_DEFINED, "PROZVON_TAKEN")
        assert event.text == "x y"


@pytest.mark.parametrize(
    "damaged",
    [
        "",
        '"HANGUP","1795299710.6974',
        '"HANGUP","yesterday","a","a","c","s","c","","",""',
        line("SOMETHING_NEW", 1795299710.5),
        line("HANGUP", 1795299710.5) + ',"one too many"',
        "\0\0\0\0",
    ],
)
def test_damaged_lines_are_no_events(damaged: str) -> None:
    assert parse_line(damaged) is None


@pytest.mark.parametrize("broken", ["{{", "[1]", "null"])
def test_broken_extra_is_an_empty_one(broken: str) -> None:
    text = line("HANGUP", 1795299710.5, extra={"k": 1}).replace('{""k"": 1}', broken)
    assert broken in text and parsed(text).extra == {}


def test_a_record_behind_a_torn_one_is_found() -> None:
    torn = line("HANGUP", 1795299710.5, extra={"hangupcause": 16})[:40]
    assert parsed(torn + line("ANSWER", 1795299711.5)).kind is CelKind.ANSWER


@given(st.text())
def test_no_line_breaks_the_reader(text: str) -> None:
    for damaged in (text, line("HANGUP", 1795299710.5)[: len(text)] + text):
        read = parse_line(damaged)
        assert read is None or read.unique_id


def test_no_file_is_an_empty_journal(tmp_path: Path) -> None:
    assert ats(CelJournal(tmp_path / "prozvon.csv")) == []
    assert ats(CelJournal(tmp_path / "prozvon.csv"), since=1.0) == []


def test_a_line_being_written_is_left_for_later(tmp_path: Path) -> None:
    path = tmp_path / "prozvon.csv"
    second = line("HANGUP", 1795299711)
    path.write_text(line("CHAN_START", 1795299710) + "\n" + second[:50])
    assert ats(CelJournal(path)) == [1795299710]
    with path.open("a") as file:
        file.write(second[50:] + "\n")
    assert ats(CelJournal(path)) == [1795299710, 1795299711]


def journal_of(path: Path, moments: list[float]) -> CelJournal:
    path.write_text("".join(line("ANSWER", at, f"u{at}") + "\n" for at in moments))
    return CelJournal(path)


START = 1_795_000_000


@pytest.mark.parametrize("since", [START - 1, START, START + 1234.5, START + 4999, START + 6000])
def test_reading_since_gives_what_reading_all_gives(tmp_path: Path, since: float) -> None:
    rng = Random(1)
    moments = [START + second + rng.uniform(-3, 3) for second in range(5000)]
    journal = journal_of(tmp_path / "prozvon.csv", moments)
    assert ats(journal, since) == [float(f"{at:.6f}") for at in moments if at >= since]


def test_the_last_minutes_of_a_large_journal_are_read_alone(tmp_path: Path) -> None:
    journal = journal_of(tmp_path / "prozvon.csv", [START + second for second in range(20_000)])
    # Damage in the old part would change the count if that part were read.
    half = journal.path.stat().st_size // 2
    with journal.path.open("r+b") as file:
        file.write(b"x" * half + b"\n")
    assert len(ats(journal, START + 19_940)) == 60


def test_rotated_parts_are_read_oldest_first(tmp_path: Path) -> None:
    journal_of(tmp_path / "prozvon.csv.2", [START, START + 1])
    journal_of(tmp_path / "prozvon.csv.1", [START + 100, START + 101])
    journal = journal_of(tmp_path / "prozvon.csv", [START + 200, START + 201])
    assert ats(journal) == [START, START + 1, START + 100, START + 101, START + 200, START + 201]
    assert ats(journal, START + 101) == [START + 101, START + 200, START + 201]
    assert ats(journal, START + 201) == [START + 201]


def test_a_part_just_renamed_is_read_without_its_successor(tmp_path: Path) -> None:
    journal_of(tmp_path / "prozvon.csv.1", [START])
    assert ats(CelJournal(tmp_path / "prozvon.csv")) == [START]


def test_a_channel_gets_its_history() -> None:
    events = [
        line("CHAN_START", 1795299710.0),
        line("ANSWER", 1795299712.0),
        line("PROZVON_TAKEN", 1795299712.1, extra={"extra": "k"}, user_event="PROZVON_TAKEN"),
        line("BRIDGE_ENTER", 1795299712.2, extra={"bridge_id": "b1"}),
        line("BRIDGE_EXIT", 1795299720.0, extra={"bridge_id": "b1"}),
        line("BRIDGE_ENTER", 1795299721.0, extra={"bridge_id": "b2"}),
        line("HANGUP", 1795299730.0, extra={"hangupcause": 16, "hangupsource": "PJSIP/y-2"}),
        line("CHAN_START", 1795299711.0, "other"),
    ]
    shuffled = Random(3).sample(events, len(events))
    histories = summarise(map(parsed, shuffled))
    history = histories["a"]
    assert (history.context, history.exten) == ("c", "s")
    assert (history.created_at, history.answered_at) == (1795299710.0, 1795299712.0)
    assert history.bridged == (
        BridgeStay("b1", 1795299712.2, 1795299720.0),
        BridgeStay("b2", 1795299721.0, None),
    )
    assert (history.hangup_at, history.cause) == (1795299730.0, 16)
    assert history.hangup_source == "PJSIP/y-2"
    taken = UserEvent("PROZVON_TAKEN", 1795299712.1, "k")
    assert history.user_events == (taken,) and history.user_event("PROZVON_TAKEN") == taken
    assert history.user_event("PROZVON_OPT_OUT") is None
    assert histories["other"].hangup_at is None and histories["other"].cause is None


def test_a_history_cut_at_its_beginning_says_so() -> None:
    (history,) = summarise(
        [parsed(line("BRIDGE_EXIT", 1795299720.0, extra={"bridge_id": "b1"}))]
    ).values()
    assert history.created_at is None
    assert history.bridged == (BridgeStay("b1", None, 1795299720.0),)
