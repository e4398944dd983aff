"""PURE. What abandoned people hear of a campaign: which sound, and what it was confirmed to name.

Nobody but a person can hear whether a sound names the company. Who writes `names` says so, and the
campaign's versions keep who that was. Sound and names are one value: another sound needs its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from campaigns.broadcast.model import SOUND
from campaigns.campaign.kinds import Choice, Key, Many, Maybe, Table, Value
from campaigns.campaign.structures import Shape, record, shortened
from campaigns.legal.model import MESSAGE_PARTS
from campaigns.refusals import Sentence

SHAPE: Shape = {"sound": (Maybe(SOUND), None), "names": (Many(Choice(MESSAGE_PARTS)), [])}


def read(value: Value) -> Value:
    """A message in its kept form, None for none. Raises Wrong."""
    return None if value is None else record(value, SHAPE)


def outside(message: Mapping[str, Value]) -> dict[str, Value]:
    """For a file: what is as it would be anyway is left out."""
    return shortened(message, SHAPE)


def names(message: Mapping[str, Any] | None) -> frozenset[str]:
    """What the message was confirmed to name, of MESSAGE_PARTS."""
    return frozenset(message["names"]) if message else frozenset()


def sound(message: Mapping[str, Any] | None) -> str:
    """Path on the node without suffix; "": the node's own message."""
    return (message["sound"] or "") if message else ""


KEYS: tuple[Key, ...] = (
    Key(
        "message",
        Table(
            read,
            Sentence(
                f"table: sound, names (list of: {', '.join(MESSAGE_PARTS)})",
                f"таблица: sound, names (список из: {', '.join(MESSAGE_PARTS)})",
            ),
        ),
        None,
        Sentence(
            "what is heard when no operator came, and what it was confirmed to name",
            "что слышит человек, когда нет оператора, и что в сообщении точно названо",
        ),
        "message",
    ),
)
