"""What Asterisk tells us over AMI, as typed and frozen values.

`parse` is the border: behind it nobody reads an AMI header by name. A field that a value needs
and that is missing or is not a number raises `MalformedEvent`; nothing becomes an empty string
in silence. Header names were checked against Asterisk 22.10 with `timestampevents=yes`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

Fields = Mapping[str, str]


class MalformedEvent(ValueError):
    """An event without a field we need, or with text where a number belongs."""

    def __init__(self, name: str, key: str) -> None:
        super().__init__(f"AMI event {name}: header {key} is missing or not a number")
        self.name = name
        self.key = key


@dataclass(frozen=True, slots=True)
class Event:
    """`at`: epoch seconds of Asterisk's own clock, or of arrival where it sent no Timestamp."""

    at: float


@dataclass(frozen=True, slots=True)
class ChannelCreated(Event):
    """Newchannel. `unique_id` is the ChannelId of what we originated."""

    unique_id: str
    linked_id: str
    channel: str
    state: int
    exten: str
    context: str


@dataclass(frozen=True, slots=True)
class ChannelState(Event):
    """Newstate. `state`: 4 Ring, 5 Ringing, 6 Up."""

    unique_id: str
    linked_id: str
    channel: str
    state: int


@dataclass(frozen=True, slots=True)
class DialStateChanged(Event):
    """DialState. `dial_status`: RINGING, PROGRESS or PROCEEDING.

    A leg that only gets early media (SIP 183) sends PROGRESS and stays `Down` until its end, with
    no Newstate Ringing (22.10): that is a leg that rang, not a silent trunk.
    """

    dest_unique_id: str
    dest_channel: str
    unique_id: str | None
    dial_status: str


@dataclass(frozen=True, slots=True)
class DialEnded(Event):
    """DialEnd. `dial_status`: ANSWER, BUSY, NOANSWER, CONGESTION, CANCEL, CHANUNAVAIL."""

    dest_unique_id: str
    dest_channel: str
    unique_id: str | None
    dial_status: str


@dataclass(frozen=True, slots=True)
class Hangup(Event):
    """The channel is gone. `cause`: Q.850, 0 when Asterisk named none.

    `tech_cause`: the bare SIP code ("486"). Asterisk 22.10 sends the header only for a leg that was
    refused before it was answered; else ''. An answered leg that the far side ended was
    seen with cause 0 "Unknown" as well as with 16.
    """

    unique_id: str
    linked_id: str
    channel: str
    state: int
    cause: int
    cause_text: str
    tech_cause: str


@dataclass(frozen=True, slots=True)
class OriginateResponse(Event):
    """The end of an asynchronous Originate; may come before or after Hangup and Newstate Up.

    For a duplicate ChannelId Asterisk 22.10 answers Failure with the id of the *living* call, so a
    failure says nothing about the channel of `unique_id`: go by `action_id`.
    `reason`: 4 answered, 3 ring timeout, 0 for every SIP refusal.
    """

    action_id: str
    success: bool
    unique_id: str | None
    reason: int
    channel: str


@dataclass(frozen=True, slots=True)
class BridgeEntered(Event):
    """BridgeEnter. `num_channels` counts this channel in."""

    unique_id: str
    linked_id: str
    channel: str
    bridge_id: str
    bridge_type: str
    technology: str
    num_channels: int
    bridge_name: str = ""


@dataclass(frozen=True, slots=True)
class BridgeLeft(Event):
    """BridgeLeave. `num_channels` counts those who stay."""

    unique_id: str
    linked_id: str
    channel: str
    bridge_id: str
    bridge_type: str
    technology: str
    num_channels: int
    bridge_name: str = ""


@dataclass(frozen=True, slots=True)
class UserEvent(Event):
    """The dialplan's own event. `fields` holds what stands after the name, so never the channel's.

    `unique_id` is the channel's; None for an event sent by an AMI action. The text of `fields` may
    come from a person on the line: a comma in it makes Asterisk 22.10 write a further header.
    """

    name: str
    fields: Mapping[str, str]
    unique_id: str | None


@dataclass(frozen=True, slots=True)
class ContactStatusChanged(Event):
    """ContactStatus. `status`: Reachable, Unreachable, Created, Removed, NonQualified, Updated.

    `rtt_us` in microseconds; None when not measured (Asterisk 22.10 sends 0 for Unreachable).
    """

    aor: str
    endpoint: str
    uri: str
    status: str
    rtt_us: int | None


@dataclass(frozen=True, slots=True)
class RegistryChanged(Event):
    """Registry: our own registration at a trunk. `status`: Registered, Unregistered, Rejected."""

    username: str
    domain: str
    status: str
    cause: str


@dataclass(frozen=True, slots=True)
class FullyBooted(Event):
    """Asterisk has loaded everything; sent after a login too."""


@dataclass(frozen=True, slots=True)
class Shutdown(Event):
    """Asterisk stops or restarts. Not certain to come: `core restart now` of 22.10 sent none."""

    restart: bool


@dataclass(frozen=True, slots=True)
class Dtmf(Event):
    """DTMFEnd: one key. `direction`: Received (the person pressed it) or Sent."""

    unique_id: str
    digit: str
    direction: str = "Received"


@dataclass(frozen=True, slots=True)
class HoldStarted(Event):
    """Hold: the phone of this channel put the other side on hold."""

    unique_id: str
    linked_id: str
    channel: str


@dataclass(frozen=True, slots=True)
class HoldEnded(Event):
    """Unhold."""

    unique_id: str
    linked_id: str
    channel: str


@dataclass(frozen=True, slots=True)
class LiveChannel:
    """One item of CoreShowChannels. `bridge_id` is None outside a bridge.

    `application` stays BridgeWait for an operator who talks (22.10): go by `bridge_id`.
    """

    unique_id: str
    linked_id: str
    channel: str
    state: int
    bridge_id: str | None
    exten: str
    context: str
    application: str
    duration_s: float


class _BadNumber(Exception):
    def __init__(self, key: str) -> None:
        self.key = key


def _integer(fields: Fields, key: str) -> int:
    try:
        return int(fields[key])
    except ValueError:
        raise _BadNumber(key) from None


def _integer_or_zero(fields: Fields, key: str) -> int:
    return _integer(fields, key) if fields.get(key, "").strip() else 0


def _unique_id_or_none(fields: Fields) -> str | None:
    value = fields.get("Uniqueid", "")
    # Asterisk prints a missing C string as "<null>" or "(null)" in some of its own headers.
    return None if value in ("", "<null>", "(null)", "<unknown>") else value


def _channel_created(f: Fields, at: float) -> Event:
    return ChannelCreated(
        at,
        f["Uniqueid"],
        f["Linkedid"],
        f["Channel"],
        _integer(f, "ChannelState"),
        f["Exten"],
        f["Context"],
    )


def _channel_state(f: Fields, at: float) -> Event:
    state = _integer(f, "ChannelState")
    return ChannelState(at, f["Uniqueid"], f["Linkedid"], f["Channel"], state)


def _dial_state(f: Fields, at: float) -> Event:
    caller = _unique_id_or_none(f)
    return DialStateChanged(at, f["DestUniqueid"], f["DestChannel"], caller, f["DialStatus"])


def _dial_ended(f: Fields, at: float) -> Event:
    caller = _unique_id_or_none(f)
    return DialEnded(at, f["DestUniqueid"], f["DestChannel"], caller, f["DialStatus"])


def _hangup(f: Fields, at: float) -> Event:
    return Hangup(
        at,
        f["Uniqueid"],
        f["Linkedid"],
        f["Channel"],
        _integer(f, "ChannelState"),
        _integer_or_zero(f, "Cause"),
        f.get("Cause-txt", ""),
        f.get("TechCause", ""),
    )


def _originate_response(f: Fields, at: float) -> Event:
    return OriginateResponse(
        at,
        f["ActionID"],
        f["Response"] == "Success",
        _unique_id_or_none(f),
        _integer(f, "Reason"),
        f["Channel"],
    )


def _bridge_values(f: Fields) -> tuple[str, str, str, str, str, str, int, str]:
    return (
        f["Uniqueid"],
        f["Linkedid"],
        f["Channel"],
        f["BridgeUniqueid"],
        f["BridgeType"],
        f["BridgeTechnology"],
        _integer(f, "BridgeNumChannels"),
        f.get("BridgeName", ""),
    )


def _bridge_entered(f: Fields, at: float) -> Event:
    return BridgeEntered(at, *_bridge_values(f))


def _bridge_left(f: Fields, at: float) -> Event:
    return BridgeLeft(at, *_bridge_values(f))


def _user_event(f: Fields, at: float) -> Event:
    keys = list(f)
    body = keys[keys.index("UserEvent") + 1 :] if "UserEvent" in f else []
    return UserEvent(at, f["UserEvent"], {key: f[key] for key in body}, _unique_id_or_none(f))


def _contact_status(f: Fields, at: float) -> Event:
    rtt_us = _integer_or_zero(f, "RoundtripUsec") or None
    return ContactStatusChanged(
        at, f["AOR"], f["EndpointName"], f["URI"], f["ContactStatus"], rtt_us
    )


def _registry(f: Fields, at: float) -> Event:
    return RegistryChanged(at, f["Username"], f["Domain"], f["Status"], f.get("Cause", ""))


def _fully_booted(_: Fields, at: float) -> Event:
    return FullyBooted(at)


def _shutdown(f: Fields, at: float) -> Event:
    return Shutdown(at, f.get("Restart", "False") == "True")


def _dtmf(f: Fields, at: float) -> Event:
    return Dtmf(at, f["Uniqueid"], f["Digit"], f["Direction"])


def _hold_started(f: Fields, at: float) -> Event:
    return HoldStarted(at, f["Uniqueid"], f["Linkedid"], f["Channel"])


def _hold_ended(f: Fields, at: float) -> Event:
    return HoldEnded(at, f["Uniqueid"], f["Linkedid"], f["Channel"])


_PARSERS: Final[Mapping[str, Callable[[Fields, float], Event]]] = {
    "Newchannel": _channel_created,
    "Newstate": _channel_state,
    "DialState": _dial_state,
    "DialEnd": _dial_ended,
    "Hangup": _hangup,
    "OriginateResponse": _originate_response,
    "BridgeEnter": _bridge_entered,
    "BridgeLeave": _bridge_left,
    "UserEvent": _user_event,
    "ContactStatus": _contact_status,
    "Registry": _registry,
    "FullyBooted": _fully_booted,
    "Shutdown": _shutdown,
    "DTMFEnd": _dtmf,
    "Hold": _hold_started,
    "Unhold": _hold_ended,
}

EVENT_NAMES: Final = frozenset(_PARSERS)
"""The `Event:` names that `parse` understands; all others may be dropped unread."""


def parse(fields: Fields, received_at: float) -> Event | None:
    """The typed event of one AMI message, or None for an event we do not use.

    `received_at`: epoch seconds, used where the message has no Timestamp (22.10 sends FullyBooted
    after a login without one). Raises `MalformedEvent`.
    """
    name = fields.get("Event", "")
    parser = _PARSERS.get(name)
    if parser is None:
        return None
    try:
        at = float(fields["Timestamp"]) if "Timestamp" in fields else received_at
    except ValueError:
        raise MalformedEvent(name, "Timestamp") from None
    try:
        return parser(fields, at)
    except KeyError as missing:
        raise MalformedEvent(name, str(missing.args[0])) from None
    except _BadNumber as bad:
        raise MalformedEvent(name, bad.key) from None


def _duration_s(fields: Fields, key: str) -> float:
    """Seconds of "HH:MM:SS"; the hours go past 99 for a nailed-up leg."""
    try:
        hours, minutes, seconds = (int(part) for part in fields[key].split(":"))
    except ValueError:
        raise _BadNumber(key) from None
    return hours * 3600.0 + minutes * 60.0 + seconds


def live_channel(fields: Fields) -> LiveChannel:
    """One `CoreShowChannel` item of the CoreShowChannels list. Raises `MalformedEvent`."""
    try:
        return LiveChannel(
            fields["Uniqueid"],
            fields["Linkedid"],
            fields["Channel"],
            _integer(fields, "ChannelState"),
            fields["BridgeId"] or None,
            fields["Exten"],
            fields["Context"],
            fields["Application"],
            _duration_s(fields, "Duration"),
        )
    except KeyError as missing:
        raise MalformedEvent("CoreShowChannel", str(missing.args[0])) from None
    except _BadNumber as bad:
        raise MalformedEvent("CoreShowChannel", bad.key) from None
