"""AMI as bytes: cutting the stream into messages, reading them, and what may be written.

Pure: no sockets, no asyncio. Limits of the Asterisk side were measured on 22.10.
"""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

SEPARATOR: Final = b"\r\n\r\n"
_BANNER_LIMIT_BYTES: Final = 256
_BANNER_START: Final = b"Asterisk Call Manager/"
# Asterisk 22.10 answers "line too long" from 1023 bytes on, and takes the rest of that message
# for a new one: a line it would cut must never leave us.
_LINE_LIMIT_BYTES: Final = 1022
# Asterisk keeps 128 headers of a message and refuses the rest.
_LINES_LIMIT: Final = 120
_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_VARIABLE_NAME: Final = re.compile(r"_{0,2}[A-Za-z][A-Za-z0-9_]*(\([A-Za-z0-9_,-]*\))?")
_FORBIDDEN: Final = re.compile(r"[\r\n\0]")
_VARIABLE_SPECIAL: Final = re.compile(r'([\\",()\[\]])')
_REPEATED: Final = frozenset({"Output", "ChanVariable", "DestChanVariable"})

FieldValue = str | Sequence[str]


class AmiError(Exception):
    """Anything that went wrong between us and Asterisk's manager interface."""


class AmiDisconnected(AmiError):
    """There is no link, or it was lost before the answer. The action is not sent again."""


class AmiTimeout(AmiError):
    """No answer in time. Whether Asterisk did what was asked is not known."""


class AmiRefused(AmiError):
    """Asterisk answered `Response: Error`; `message` is its own sentence."""

    def __init__(self, action: str, message: str) -> None:
        super().__init__(f"Asterisk refused {action}: {message or 'no reason given'}")
        self.action = action
        self.message = message


class AmiBadValue(AmiError, ValueError):
    """A key or value that would change the meaning of the message (CR, LF, NUL, too long)."""


class WireError(AmiError):
    """What arrived is not AMI or goes past the limits; the link must be dropped."""


@dataclass(frozen=True, slots=True)
class AmiSettings:
    """Where Asterisk's manager listens and how patient we are.

    `silence_limit_s` is counted from the last byte received; it should be a few times
    `ping_interval_s`. `max_message_bytes` bounds one message and what waits to be written.
    """

    host: str
    port: int
    username: str
    secret: str
    connect_timeout_s: float = 5.0
    action_timeout_s: float = 5.0
    ping_interval_s: float = 2.0
    silence_limit_s: float = 6.0
    reconnect_first_s: float = 0.2
    reconnect_max_s: float = 15.0
    refused_retry_s: float = 60.0
    max_message_bytes: int = 1024 * 1024

    def __repr__(self) -> str:
        return f"AmiSettings({self.username}@{self.host}:{self.port})"


@dataclass(frozen=True, slots=True)
class OriginateRequest:
    """One asynchronous Originate into `context`,`exten`,`priority`.

    `channel_id` becomes the Uniqueid; it does not prevent double dialing (22.10 dials the same id
    again once the first call has ended). The second leg of a Local channel gets `channel_id` + ";2"
    (22.10). `timeout_ms` bounds ringing.
    """

    action_id: str
    channel: str
    channel_id: str
    context: str
    exten: str
    priority: int | str
    timeout_ms: int
    caller_id: str | None
    variables: Mapping[str, str]
    codecs: str | None = None

    def fields(self) -> dict[str, FieldValue]:
        """The headers of the action. Raises `AmiBadValue` for a bad variable name."""
        fields: dict[str, FieldValue] = {
            "ActionID": self.action_id,
            "Channel": self.channel,
            "ChannelId": self.channel_id,
            "Context": self.context,
            "Exten": self.exten,
            "Priority": str(self.priority),
            "Timeout": str(self.timeout_ms),
            "Async": "true",
            "Variable": [variable_header(k, v) for k, v in self.variables.items()],
        }
        if self.caller_id is not None:
            fields["CallerID"] = self.caller_id
        if self.codecs is not None:
            fields["Codecs"] = self.codecs
        return fields


class MessageReader:
    """Cuts what arrives into messages, each as its bytes without the closing empty line.

    Bytes are decoded only when a message is whole, so a letter cut by a TCP chunk stays whole too.
    """

    def __init__(self, max_message_bytes: int) -> None:
        self.banner: str | None = None
        self._max_bytes = max_message_bytes
        self._buffer = bytearray()
        self._searched = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that `data` completes, in order. Raises `WireError`."""
        self._buffer += data
        if self.banner is None and not self._take_banner():
            return []
        messages = self._take_messages()
        if len(self._buffer) > self._max_bytes or any(len(m) > self._max_bytes for m in messages):
            raise WireError(f"Asterisk sent a message of more than {self._max_bytes} bytes")
        return messages

    def _take_banner(self) -> bool:
        end = self._buffer.find(b"\r\n", 0, _BANNER_LIMIT_BYTES)
        head = bytes(self._buffer[: len(_BANNER_START)])
        if not _BANNER_START.startswith(head) or (end < 0 and len(self._buffer) > 200):
            raise WireError("what answers at this address is not Asterisk's manager interface")
        if end < 0:
            return False
        self.banner = self._buffer[:end].decode("utf-8", "replace")
        del self._buffer[: end + 2]
        return True

    def _take_messages(self) -> list[bytes]:
        buffer, messages, start = self._buffer, [], 0
        end = buffer.find(SEPARATOR, max(0, self._searched - 3))
        while end >= 0:
            messages.append(bytes(buffer[start:end]))
            start = end + 4
            end = buffer.find(SEPARATOR, start)
        if start:
            del buffer[:start]
        self._searched = len(buffer)
        return messages


def event_name(message: bytes) -> bytes | None:
    """The event's name when the message starts with it (Asterisk always does), before decoding."""
    if not message.startswith(b"Event: "):
        return None
    end = message.find(b"\r\n", 7)
    return message[7:end] if end >= 0 else message[7:]


def read_fields(message: bytes) -> dict[str, str]:
    """Headers of one message in order. A repeated header keeps its first value.

    First wins because the dialplan's UserEvent appends a person's text after the channel's own
    headers: a later `Uniqueid` is a forgery. `Output` and `ChanVariable` repeat by nature and are
    joined by newlines.
    """
    fields: dict[str, str] = {}
    for line in message.decode("utf-8", "replace").split("\r\n"):
        key, separator, value = line.partition(": ")
        if not separator:
            if not line.endswith(":"):
                continue
            key = line[:-1]
        if key not in fields:
            fields[key] = value
        elif key in _REPEATED:
            fields[key] += "\n" + value
    return fields


def check_value(key: str, value: str) -> None:
    """Raises `AmiBadValue` where `key: value` would not stay one header of one message."""
    if _KEY.fullmatch(key) is None:
        raise AmiBadValue(f"{key!r} is not the name of an AMI header")
    if _FORBIDDEN.search(value):
        raise AmiBadValue(f"the value for {key} has a line break or NUL in it")
    try:
        size = len(f"{key}: {value}".encode())
    except UnicodeEncodeError:
        raise AmiBadValue(f"the value for {key} is not valid text") from None
    if size > _LINE_LIMIT_BYTES:
        raise AmiBadValue(f"the value for {key} is longer than Asterisk reads ({size} bytes)")


def check_fields(fields: Mapping[str, FieldValue]) -> None:
    """`check_value` for a whole action. Raises `AmiBadValue`."""
    lines = 0
    for key, value in fields.items():
        values = (value,) if isinstance(value, str) else value
        # Only these two are written line by line; anything else would be printed as Python text.
        if not isinstance(values, list | tuple):
            raise AmiBadValue(f"the value for {key} must be a text or a list of texts")
        for one in values:
            check_value(key, one)
        lines += len(values)
    if lines > _LINES_LIMIT:
        raise AmiBadValue(f"an AMI action of {lines} headers is more than Asterisk reads")


def variable_header(name: str, value: str) -> str:
    """`NAME=value` for Originate's `Variable:` header. Raises `AmiBadValue`.

    Asterisk splits that header at commas and eats quotes, brackets and backslashes (22.10), so an
    unescaped comma would set a second variable of the text's choosing.
    """
    if _VARIABLE_NAME.fullmatch(name) is None:
        raise AmiBadValue(f"{name!r} is not the name of a channel variable")
    return f"{name}={_VARIABLE_SPECIAL.sub(_BACKSLASHED, value)}"


_BACKSLASHED: Final = r"\\\1"


def backoff_s(attempt: int, settings: AmiSettings, rng: random.Random) -> float:
    """Wait before connection attempt `attempt` (0 = first retry): doubling, with jitter.

    Between half and all of min(first * 2**attempt, max), so that controllers that lost one
    Asterisk together do not come back together.
    """
    longest = settings.reconnect_first_s * 2.0 ** min(attempt, 30)
    return min(longest, settings.reconnect_max_s) * rng.uniform(0.5, 1.0)
