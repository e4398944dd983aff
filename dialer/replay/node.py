"""The node as a record has it: its manager interface and its FastAGI requests, played back."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dialer.replay.record import Line, is_sound

BANNER = b"Asterisk Call Manager/9.0.0\r\n"
NEVER_ANSWERS = frozenset({"OriginateResponse", "UserEvent"})
"""Events that carry an ActionID without belonging to the answer of that action."""

Ask = tuple[str, ...]


def _ask(fields: Mapping[str, Any]) -> Ask:
    """What makes two actions the same question: ids of ours are forced, ActionIDs are not."""
    variable = fields.get("Variable")
    name = variable if isinstance(variable, str) and fields["Action"] != "Originate" else ""
    channel = fields.get("ChannelId") or fields.get("Channel") or ""
    return (str(fields["Action"]), str(channel), name, str(fields.get("Command", "")))


class _Wire(asyncio.Transport):
    """One end of a connection that exists in this process only."""

    def __init__(self, protocol: Any, on_write: Callable[[bytes], None]) -> None:
        super().__init__()
        self.protocol, self._on_write, self._closing = protocol, on_write, False

    def write(self, data: Any) -> None:
        if not self._closing:
            self._on_write(bytes(data))

    def feed(self, data: bytes) -> None:
        if not self._closing:
            self.protocol.data_received(data)

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def abort(self) -> None:
        self.close()

    def get_write_buffer_size(self) -> int:
        return 0


class ManagerPlayer:
    """Gives every action the answer that it had, as many seconds later as then.

    `events` are the lines that are no answers; `refusing`: connections are refused, as while the
    link was down.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        asked = {ln.fields["ActionID"]: ln for ln in lines if ln.kind == "ami_out"}
        self.events: list[Line] = []
        self.refusing = False
        self.later_s = 0.0
        """How much later the replay is than the record was; events tell their own time."""
        self.unknown: list[str] = []
        self.connected = asyncio.Event()
        self._answers: dict[str, list[Line]] = defaultdict(list)
        self._asked: dict[Ask, deque[Line]] = defaultdict(deque)
        self._wire: _Wire | None = None
        self._buffer = b""
        for line in asked.values():
            self._asked[_ask(line.fields)].append(line)
        for line in lines:
            if line.kind == "ami_in":
                self._sort(line, asked)

    def _sort(self, line: Line, asked: Mapping[str, Line]) -> None:
        action = line.fields.get("ActionID", "")
        if action in asked and line.fields.get("Event") not in NEVER_ANSWERS:
            self._answers[action].append(line)
        elif "Event" in line.fields:
            self.events.append(line)

    def connect(self, factory: Callable[[], Any]) -> tuple[Any, Any]:
        """A link of the controller's. Raises ConnectionRefusedError."""
        if self.refusing:
            raise ConnectionRefusedError("the node of this record is away")
        protocol = factory()
        self._wire, self._buffer = _Wire(protocol, self._written), b""
        protocol.connection_made(self._wire)
        # After the client has wired its protocol, which it does when this returns.
        asyncio.get_running_loop().call_soon(self._wire.feed, BANNER)
        self.refusing = True  # until the record has its next link
        self.connected.set()
        return self._wire, protocol

    def lose(self) -> None:
        if self._wire is not None:
            self._wire.close()

    def feed(self, fields: Mapping[str, Any]) -> None:
        if self._wire is not None:
            self._wire.feed(self._message(fields))

    def _written(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            text, self._buffer = self._buffer[:end].decode(), self._buffer[end + 4 :]
            pairs = (line.partition(": ") for line in text.split("\r\n"))
            fields: dict[str, str] = {}
            for key, _, value in pairs:
                fields.setdefault(key, value)
            self._answer(fields)

    def _answer(self, fields: Mapping[str, str]) -> None:
        loop, known, wire = asyncio.get_running_loop(), self._asked[_ask(fields)], self._wire
        assert wire is not None
        if not known:
            if fields["Action"] != "Ping":
                self.unknown.append(" ".join(filter(None, _ask(fields))))
            response = "Success" if fields["Action"] == "Ping" else "Error"
            answer = {"Response": response, "ActionID": fields["ActionID"], "Message": "replayed"}
            loop.call_soon(wire.feed, self._message(answer))
            return
        line = known.popleft()
        for had in self._answers[line.fields["ActionID"]]:
            message = self._message({**had.fields, "ActionID": fields["ActionID"]})
            loop.call_later(max(0.0, had.t - line.t), wire.feed, message)

    def _message(self, fields: Mapping[str, Any]) -> bytes:
        lines = []
        for key, value in fields.items():
            text = str(value)
            if key == "Timestamp":
                text = f"{float(text) + self.later_s:.6f}"
            lines += [f"{key}: {part}" for part in text.split("\n")]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


class SessionPlayer:
    """FastAGI sessions: a command gets the answer that the same command had.

    The sound of a person who waits, which says nothing of who takes whom, is answered where the
    record has none, too: records from before there was any stay of use.
    """

    def __init__(self, lines: Sequence[Line], protocol: Callable[[], Any]) -> None:
        self._protocol = protocol
        self._answers: dict[int, deque[tuple[float, str, str]]] = defaultdict(deque)
        self._wires: dict[int, _Wire] = {}
        self.hang_ups: list[Line] = []
        sent: dict[int, tuple[float, str]] = {}
        for line in lines:
            if line.kind == "agi_out":
                sent[line.fields["session"]] = (line.t, line.fields["line"])
            elif line.kind == "agi_in" and line.fields["line"] == "HANGUP":
                self.hang_ups.append(line)
            elif line.kind == "agi_in":
                session = line.fields["session"]
                sent_at, command = sent.get(session, (line.t, ""))
                self._answers[session].append((line.t - sent_at, command, line.fields["line"]))

    def begin(self, line: Line) -> None:
        session = line.fields["session"]
        protocol = self._protocol()
        wire = self._wires[session] = _Wire(protocol, lambda data: self._written(session, data))
        protocol.connection_made(wire)
        headers = (f"{k}: {v}" for k, v in line.fields.items() if k != "session")
        wire.feed(("\n".join(headers) + "\n\n").encode())

    def hang_up(self, line: Line) -> None:
        wire = self._wires.get(line.fields["session"])
        if wire is not None:
            wire.feed(b"HANGUP\n")

    def end(self, line: Line) -> None:
        wire = self._wires.pop(line.fields["session"], None)
        if wire is not None:
            wire.close()

    def _written(self, session: int, data: bytes) -> None:
        for command in data.decode().splitlines():
            took, text = self._answer(session, command)
            wire = self._wires[session]
            asyncio.get_running_loop().call_later(took, wire.feed, f"{text}\n".encode())

    def _answer(self, session: int, command: str) -> tuple[float, str]:
        answers = self._answers[session]
        if is_sound(command) and not (answers and is_sound(answers[0][1])):
            return 0.0, "200 result=0"
        if not answers:
            return 0.0, "510 Invalid or unknown command"
        took, _, text = answers.popleft()
        return took, text
