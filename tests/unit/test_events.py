"""AMI headers into typed events; the samples are what Asterisk 22.10 sent."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.asterisk.events import (
    EVENT_NAMES,
    BridgeEntered,
    BridgeLeft,
    ChannelCreated,
    ChannelState,
    ContactStatusChanged,
    DialEnded,
    DialStateChanged,
    Dtmf,
    Event,
    FullyBooted,
    Hangup,
    HoldEnded,
    HoldStarted,
    LiveChannel,
    MalformedEvent,
    OriginateResponse,
    RegistryChanged,
    Shutdown,
    UserEvent,
    live_channel,
    parse,
)

AT = 1795299112.588432
ARRIVED = 1795299113.0


def headers(text: str, **changes: str) -> dict[str, str]:
    fields = {}
    for line in text.strip().splitlines():
        key, _, value = line.strip().partition(":")
        fields[key] = value.strip()
    return {**fields, **{key.replace("_", "-"): value for key, value in changes.items()}}


CHANNEL = """
    Timestamp: 1795299112.588432
    Channel: PJSIP/loop-00000000
    ChannelState: 5
    ChannelStateDesc: Ringing
    CallerIDNum: <unknown>
    Context: in
    Exten: s
    Priority: 1
    Uniqueid: uuid-1
    Linkedid: uuid-0
"""
DEST = """
    Timestamp: 1795299112.588432
    DestChannel: PJSIP/loop-00000000
    DestChannelState: 0
    DestContext: in
    DestExten: s
    DestUniqueid: uuid-1
    DestLinkedid: uuid-1
"""
BRIDGE = (
    """
    BridgeUniqueid: e95969f4
    BridgeType: base
    BridgeTechnology: holding_bridge
    BridgeCreator: BridgeWait
    BridgeName: ops
    BridgeNumChannels: 2
"""
    + CHANNEL
)
ON_CHANNEL = (AT, "uuid-1", "uuid-0", "PJSIP/loop-00000000")
SAMPLES: list[tuple[str, Event]] = [
    ("Event: Newchannel" + CHANNEL, ChannelCreated(*ON_CHANNEL, 5, "s", "in")),
    ("Event: Newstate" + CHANNEL, ChannelState(*ON_CHANNEL, 5)),
    (
        "Event: DialState\nUniqueid: uuid-9\nDialStatus: RINGING" + DEST,
        DialStateChanged(AT, "uuid-1", "PJSIP/loop-00000000", "uuid-9", "RINGING"),
    ),
    (
        "Event: DialEnd\nDialStatus: BUSY" + DEST,
        DialEnded(AT, "uuid-1", "PJSIP/loop-00000000", None, "BUSY"),
    ),
    (
        "Event: Hangup\nCause: 17\nCause-txt: User busy\nTechCause: 486" + CHANNEL,
        Hangup(*ON_CHANNEL, 5, 17, "User busy", "486"),
    ),
    (
        "Event: Hangup\nCause: 16\nCause-txt: Normal Clearing" + CHANNEL,
        Hangup(*ON_CHANNEL, 5, 16, "Normal Clearing", ""),
    ),
    ("Event: Hangup" + CHANNEL, Hangup(*ON_CHANNEL, 5, 0, "", "")),
    ("Event: Hangup\nCause:" + CHANNEL, Hangup(*ON_CHANNEL, 5, 0, "", "")),
    (
        "Event: OriginateResponse\nActionID: o1\nResponse: Failure\nChannel: PJSIP/busy@loop\n"
        "Reason: 0\nUniqueid: uuid-1",
        OriginateResponse(ARRIVED, "o1", False, "uuid-1", 0, "PJSIP/busy@loop"),
    ),
    (
        "Event: OriginateResponse\nActionID: o1\nResponse: Success\nChannel: PJSIP/a-1\n"
        "Reason: 4\nUniqueid: <null>",
        OriginateResponse(ARRIVED, "o1", True, None, 4, "PJSIP/a-1"),
    ),
    (
        "Event: BridgeEnter" + BRIDGE,
        BridgeEntered(*ON_CHANNEL, "e95969f4", "base", "holding_bridge", 2, "ops"),
    ),
    (
        "Event: BridgeLeave" + BRIDGE,
        BridgeLeft(*ON_CHANNEL, "e95969f4", "base", "holding_bridge", 2, "ops"),
    ),
    (
        "Event: UserEvent" + CHANNEL + "UserEvent: Hello\nA: x y\nB:",
        UserEvent(AT, "Hello", {"A": "x y", "B": ""}, "uuid-1"),
    ),
    ("Event: UserEvent\nUserEvent: Foo\nX: 1", UserEvent(ARRIVED, "Foo", {"X": "1"}, None)),
    (
        "Event: ContactStatus\nURI: sip:127.0.0.1:47161\nContactStatus: Unreachable\nAOR: loop\n"
        "EndpointName: loop\nRoundtripUsec: 0",
        ContactStatusChanged(ARRIVED, "loop", "loop", "sip:127.0.0.1:47161", "Unreachable", None),
    ),
    (
        "Event: ContactStatus\nURI: sip:a\nContactStatus: Reachable\nAOR: loop\n"
        "EndpointName: loop\nRoundtripUsec: 522",
        ContactStatusChanged(ARRIVED, "loop", "loop", "sip:a", "Reachable", 522),
    ),
    (
        "Event: Registry\nChannelType: pjsip\nUsername: sip:me@carrier\nDomain: sip:carrier\n"
        "Status: Rejected",
        RegistryChanged(ARRIVED, "sip:me@carrier", "sip:carrier", "Rejected", ""),
    ),
    ("Event: FullyBooted\nStatus: Fully Booted", FullyBooted(ARRIVED)),
    ("Event: Shutdown\nShutdown: Cleanly\nRestart: True", Shutdown(ARRIVED, True)),
    (
        "Event: DTMFEnd\nDigit: 1\nDurationMs: 100\nDirection: Received" + CHANNEL,
        Dtmf(AT, "uuid-1", "1", "Received"),
    ),
    ("Event: Hold\nMusicClass: default" + CHANNEL, HoldStarted(*ON_CHANNEL)),
    ("Event: Unhold" + CHANNEL, HoldEnded(*ON_CHANNEL)),
]


@pytest.mark.parametrize(("text", "expected"), SAMPLES, ids=lambda v: type(v).__name__)
def test_a_sample_becomes_its_event(text: str, expected: Event) -> None:
    assert parse(headers(text), ARRIVED) == expected


def test_every_known_event_has_a_sample() -> None:
    assert {headers(text)["Event"] for text, _ in SAMPLES} == EVENT_NAMES


def test_events_cannot_be_changed() -> None:
    event = parse(headers("Event: Newstate" + CHANNEL), ARRIVED)
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.at = 0.0  # type: ignore[misc,union-attr]


@pytest.mark.parametrize("name", ["VarSet", "newstate", "", "ChannelTalkingStart"])
def test_an_event_we_do_not_use_is_none(name: str) -> None:
    assert parse({"Event": name}, ARRIVED) is None


def test_a_response_is_no_event() -> None:
    assert parse({"Response": "Success"}, ARRIVED) is None


@pytest.mark.parametrize("name", sorted(EVENT_NAMES - {"FullyBooted", "Shutdown"}))
def test_an_event_without_its_fields_is_malformed(name: str) -> None:
    with pytest.raises(MalformedEvent) as malformed:
        parse({"Event": name}, ARRIVED)
    assert malformed.value.name == name and malformed.value.key in str(malformed.value)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Event: Newstate" + CHANNEL, "ChannelState"),
        ("Event: Newstate" + CHANNEL, "Timestamp"),
        ("Event: Hangup" + CHANNEL, "Cause"),
        ("Event: BridgeEnter" + BRIDGE, "BridgeNumChannels"),
    ],
)
def test_text_where_a_number_belongs_is_malformed(text: str, key: str) -> None:
    with pytest.raises(MalformedEvent) as malformed:
        parse({**headers(text), key: "many"}, ARRIVED)
    assert malformed.value.key == key


def test_what_a_dialplan_appended_does_not_come_back_as_the_channel() -> None:
    sample = headers("Event: UserEvent" + CHANNEL + "UserEvent: Hello\nDigit: 5")
    event = parse(sample, ARRIVED)
    assert isinstance(event, UserEvent) and event.fields == {"Digit": "5"}


ITEM = CHANNEL + "BridgeId: e95969f4\nApplication: BridgeWait\nDuration: 101:02:03"


def test_a_live_channel() -> None:
    item = headers("Event: CoreShowChannel" + ITEM)
    assert live_channel(item) == LiveChannel(
        "uuid-1",
        "uuid-0",
        "PJSIP/loop-00000000",
        5,
        "e95969f4",
        "s",
        "in",
        "BridgeWait",
        101 * 3600 + 2 * 60 + 3.0,
    )
    assert live_channel({**item, "BridgeId": ""}).bridge_id is None


@pytest.mark.parametrize("duration", ["", "12", "1:2", "a:b:c", "1:2:3:4"])
def test_a_bad_duration_is_malformed(duration: str) -> None:
    with pytest.raises(MalformedEvent) as malformed:
        live_channel({**headers(ITEM), "Duration": duration})
    assert malformed.value.key == "Duration"


def test_a_live_channel_without_a_field_is_malformed() -> None:
    item = headers(ITEM)
    del item["BridgeId"]
    with pytest.raises(MalformedEvent):
        live_channel(item)


KEYS = sorted({key for text, _ in SAMPLES for key in headers(text)} - {"Event"})


@given(
    st.sampled_from(sorted(EVENT_NAMES)),
    st.dictionaries(st.sampled_from(KEYS), st.text(max_size=12) | st.just("1")),
)
def test_any_headers_give_an_event_or_malformed(name: str, fields: dict[str, str]) -> None:
    try:
        event = parse({"Event": name, **fields}, ARRIVED)
    except MalformedEvent as malformed:
        assert malformed.name == name
    else:
        assert isinstance(event, Event)
