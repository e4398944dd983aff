"""What the node's CEL file told after a lost link: into a record, and out of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from dialer.asterisk.cel import BridgeStay, ChannelHistory, UserEvent

TIMES = ("created_at", "answered_at", "hangup_at", "entered_at", "left_at", "at")


def as_fields(history: Mapping[str, ChannelHistory]) -> dict[str, Any]:
    """Of a line of kind `cel`."""
    return {"channels": [asdict(channel) for channel in history.values()]}


def from_fields(fields: Mapping[str, Any], later_s: float) -> dict[str, ChannelHistory]:
    """By unique id, every time `later_s` later. Raises KeyError, TypeError for what is none."""
    return {channel.unique_id: channel for channel in _channels(fields["channels"], later_s)}


def _channels(channels: list[Mapping[str, Any]], later_s: float) -> Iterator[ChannelHistory]:
    for channel in channels:
        values = _later(channel, later_s)
        values["bridged"] = tuple(BridgeStay(**_later(b, later_s)) for b in channel["bridged"])
        events = channel["user_events"]
        values["user_events"] = tuple(UserEvent(**_later(e, later_s)) for e in events)
        yield ChannelHistory(**values)


def _later(values: Mapping[str, Any], later_s: float) -> dict[str, Any]:
    moved = {key: values[key] + later_s for key in TIMES if values.get(key) is not None}
    return {**values, **moved}
