"""A synthetic Asterisk: speaks AMI and FastAGI as a real one does, with thousands of calls at once.

Run as its own process: `python bench/_node.py AMI_PORT AGI_PORT`. Operators' phones answer at once
and wait in a holding bridge. Persons ring; a share of them answers, asks `answered` over FastAGI,
is bridged to the named operator, talks and hangs up; the others hang up unanswered. The manager
action `Bench` sets ring and talk seconds (means) and the share that answers. What the filters of
manager.conf keep from the controller is not sent here either.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import time
import uuid

import uvloop

HOLDING, PAIR = "holding_bridge", "simple_bridge"
BANNER = b"Asterisk Call Manager/11.0.0\r\n"
CHANNEL = "".join(
    f"{header}\r\n"
    for header in (
        *("ChannelStateDesc: x", "CallerIDNum: <unknown>", "CallerIDName: <unknown>"),
        *("ConnectedLineNum: <unknown>", "ConnectedLineName: <unknown>", "Language: en"),
        *("AccountCode: ", "Context: prozvon-answered", "Exten: s", "Priority: 1"),
    )
)
"""What every event of a channel carries besides."""


class Node:
    """One manager link's worth of calls."""

    def __init__(self, agi_port: int) -> None:
        self.agi_port, self.rng = agi_port, random.Random(1)
        self.ring_s, self.talk_s, self.answers = 10.0, 20.0, 0.15
        self.writer: asyncio.StreamWriter | None = None
        self.names: dict[str, str] = {}
        self.legs: dict[str, str] = {}
        self.free: set[str] = set()
        self.serial = 0
        self.tasks: set[asyncio.Task[None]] = set()

    # --- the manager

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        writer.write(BANNER)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                block = await reader.readuntil(b"\r\n\r\n")
                fields: dict[str, str] = {}
                for line in block.decode().split("\r\n"):
                    key, _, value = line.partition(": ")
                    fields.setdefault(key, value)
                self.act(fields)

    def act(self, fields: dict[str, str]) -> None:
        name, action_id = fields.get("Action", ""), fields.get("ActionID", "")
        if name in ("CoreShowChannels", "DBGetTree") or name.startswith("PJSIPShow"):
            self.send(Response="Success", ActionID=action_id, EventList="start")
            self.send(Event=f"{name}Complete", EventList="Complete", ActionID=action_id)
            return
        self.send(Response="Success", ActionID=action_id, Ping="Pong", Message="done", Value="")
        if name == "Login":
            self.send(Event="FullyBooted", Status="Fully Booted")
        elif name == "Bench":
            self.ring_s, self.talk_s = float(fields["Ring"]), float(fields["Talk"])
            self.answers = float(fields["Answers"])
        elif name == "Originate":
            self.originate(fields)
        elif name == "Hangup":
            self.hang_up(fields["Channel"])

    def send(self, **fields: str) -> None:
        if self.writer is not None:
            lines = "".join(f"{key}: {value}\r\n" for key, value in fields.items())
            self.writer.write(f"{lines}\r\n".encode())

    def event(self, name: str, uid: str, state: str = "6", more: str = "") -> None:
        if self.writer is not None:
            self.writer.write(
                f"Event: {name}\r\nPrivilege: call,all\r\nTimestamp: {time.time():.6f}\r\n"
                f"Channel: {self.names[uid]}\r\nChannelState: {state}\r\n{CHANNEL}"
                f"Uniqueid: {uid}\r\nLinkedid: {uid}\r\n{more}\r\n".encode()
            )

    def bridge(self, what: str, uid: str, bridge: str, technology: str) -> None:
        self.event(
            what,
            uid,
            more=f"BridgeUniqueid: {bridge}\r\nBridgeType: base\r\n"
            f"BridgeTechnology: {technology}\r\nBridgeCreator: \r\nBridgeName: prozvon-ops\r\n"
            "BridgeNumChannels: 1\r\nBridgeVideoSourceMode: none\r\n",
        )

    # --- calls

    def originate(self, fields: dict[str, str]) -> None:
        uid, action_id = fields["ChannelId"], fields["ActionID"]
        self.serial += 1
        self.names[uid] = f"{fields['Channel'].partition('@')[0]}-{self.serial:08x}"
        if uid.startswith("op-"):
            self.legs[self.names[uid]] = uid
            self.event("Newchannel", uid)
            self.event("Newstate", uid)
            self.bridge("BridgeEnter", uid, "hold", HOLDING)
            self.free.add(uid)
            return
        task = asyncio.create_task(self.person(uid, action_id))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def not_answered(self, uid: str, action_id: str) -> None:
        self.send(
            Event="DialEnd", Privilege="call,all", Timestamp=f"{time.time():.6f}",
            DestChannel=self.names[uid], DestChannelState="0", DestUniqueid=uid, DestLinkedid=uid,
            DestContext="prozvon-answered", DestExten="s", DialStatus="NOANSWER", DialString="",
        )  # fmt: skip
        self.send(
            Event="OriginateResponse", Privilege="call,all", Timestamp=f"{time.time():.6f}",
            ActionID=action_id, Response="Failure",
            Channel=self.names[uid], Context="prozvon-answered", Exten="s", Reason="0",
            Uniqueid=uid, CallerIDNum="<unknown>", CallerIDName="<unknown>",
        )  # fmt: skip

    async def person(self, uid: str, action_id: str) -> None:
        self.event("Newchannel", uid)
        await asyncio.sleep(0.1)
        self.event("Newstate", uid, "5")
        await asyncio.sleep(self.ring_s * self.rng.uniform(0.5, 1.5))
        if uid not in self.names:
            return
        if self.rng.random() >= self.answers:
            self.not_answered(uid, action_id)
            self.ended(uid, "19", "480")
            return
        self.event("Newstate", uid)
        operator = self.legs.get(await self.ask(uid), "")
        if operator in self.free:
            await self.talk(uid, operator)
        if uid in self.names:
            self.ended(uid, "16", "")

    async def talk(self, uid: str, operator: str) -> None:
        self.free.discard(operator)
        bridge = str(uuid.uuid4())
        self.bridge("BridgeLeave", operator, "hold", HOLDING)
        self.bridge("BridgeEnter", operator, bridge, PAIR)
        self.bridge("BridgeEnter", uid, bridge, PAIR)
        await asyncio.sleep(self.talk_s * self.rng.uniform(0.5, 1.5))
        self.bridge("BridgeLeave", operator, bridge, PAIR)
        self.bridge("BridgeEnter", operator, "hold", HOLDING)
        self.free.add(operator)

    async def ask(self, uid: str) -> str:
        """What FastAGI `answered` sets, as a real node asks it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.agi_port)
        head = (
            f"agi_network: yes\nagi_network_script: answered\nagi_request: agi://x/answered\n"
            f"agi_channel: {self.names[uid]}\nagi_language: ru\nagi_type: PJSIP\n"
            f"agi_uniqueid: {uid}\nagi_version: 22.10\nagi_context: prozvon-answered\n"
            "agi_extension: s\nagi_priority: 2\nagi_enhanced: 0.0\nagi_accountcode: \n\n"
        )
        writer.write(head.encode())
        found = ""
        while line := await reader.readline():
            found = line.decode().strip().rpartition(" ")[2].strip('"')
            writer.write(b"200 result=1\n")
        writer.close()
        return found

    def ended(self, uid: str, cause: str, sip: str) -> None:
        more = f"Cause: {cause}\r\nCause-txt: x\r\n"
        self.event("Hangup", uid, more=more + (f"TechCause: {sip}\r\n" if sip else ""))
        del self.names[uid]

    def hang_up(self, uid: str) -> None:
        if uid in self.names:
            self.ended(uid, "16", "")
            self.free.discard(uid)


async def main() -> None:
    node = Node(int(sys.argv[2]))
    server = await asyncio.start_server(node.serve, "127.0.0.1", int(sys.argv[1]), limit=1 << 20)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(main())
