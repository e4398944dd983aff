"""The AMI adapter against a real socket server that plays Asterisk, one test per panoramisk defect.

The row numbers are those of docs/reference/panoramisk.md.
"""

import asyncio
import random
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from dialer.asterisk.ami import (
    AmiBadValue,
    AmiClient,
    AmiDisconnected,
    AmiRefused,
    AmiState,
    AmiTimeout,
)
from dialer.asterisk.ami_wire import MessageReader, backoff_s, read_fields
from dialer.asterisk.events import ChannelState, Event, FullyBooted, OriginateResponse, UserEvent
from tests.unit.ami_peer import (
    BANNER,
    FAST,
    PATIENCE_S,
    Action,
    Peer,
    answer,
    in_step,
    message,
    newstate,
    peer_fixture,  # noqa: F401
    refusal,
    request,
    running,
    until,
)


async def test_row_01_pending_actions_fail_on_disconnect_and_are_never_sent_again(
    peer: Peer,
) -> None:
    async with running(peer) as floor:
        pending = asyncio.create_task(floor.client.originate(request()))
        await until(lambda: peer.seen("Originate"))
        peer.hang_up()
        with pytest.raises(AmiDisconnected):
            await pending
        await until(lambda: len(floor.ups) == 2)
        await in_step(floor, peer, 3)
    assert len(peer.seen("Originate")) == 1
    assert floor.client.reconnects == 1


@pytest.mark.parametrize(
    "bad",
    [
        "Ivan\r\nAction: Command\r\nCommand: core stop now",
        "Ivan\nAction: Ping",
        "Ivan\rAction: Ping",
        "Ivan\0",
        "\ud800",
        "x" * 1100,
    ],
)
async def test_row_02_a_value_that_would_become_a_header_is_refused(peer: Peer, bad: str) -> None:
    peer.answers["Originate"] = peer.answers["Fine"] = answer
    async with running(peer) as floor:
        before = len(peer.actions)
        for fields in ({"Value": bad}, {"Value": ["fine", bad]}, {bad: "value"}):
            with pytest.raises(AmiBadValue):
                await floor.client.action("Setvar", fields)
        with pytest.raises(AmiBadValue):
            await floor.client.action(bad)
        for change in ({"caller_id": bad}, {"variables": {"A": bad}}, {"variables": {bad: "1"}}):
            with pytest.raises(AmiBadValue):
                await floor.client.originate(request(**change))
        await floor.client.action("Fine")
        names = {action["Action"][0] for action in peer.actions[before:]}
        assert names <= {"Fine", "Ping"}
        assert floor.client.state is AmiState.READY
    with pytest.raises(AmiBadValue):
        AmiClient(
            replace(FAST, secret=bad),
            on_event=floor.events.append,
            on_up=lambda: None,
            on_down=floor.downs.append,
        )


async def test_row_02_a_comma_in_a_variable_does_not_set_another_variable(peer: Peer) -> None:
    peer.answers["Originate"] = answer
    async with running(peer) as floor:
        await floor.client.originate(request(variables={"A": 'x,B=1 "q" (z) [y] \\'}))
    assert peer.seen("Originate")[0]["Variable"] == ['A=x\\,B=1 \\"q\\" \\(z\\) \\[y\\] \\\\']


async def test_row_02_only_texts_and_lists_of_texts_are_written(peer: Peer) -> None:
    async with running(peer) as floor:
        with pytest.raises(AmiBadValue):
            await floor.client.action("Setvar", {"Value": range(2)})  # type: ignore[dict-item]
        with pytest.raises(AmiBadValue):
            await floor.client.action("Setvar", {"Variable": ["A=1"] * 200})


async def test_row_03_an_exception_in_a_callback_costs_one_event_only(peer: Peer) -> None:
    seen: list[Event] = []

    def fragile(event: Event) -> None:
        if isinstance(event, ChannelState) and event.unique_id == "bad":
            raise RuntimeError("a handler broke")
        seen.append(event)

    async with running(peer) as floor:
        floor.client._on_event = fragile
        with capture_logs() as logs:
            peer.send(newstate("one") + newstate("bad") + newstate("two"))
            await until(lambda: len(seen) == 2)
        assert [getattr(event, "unique_id", None) for event in seen] == ["one", "two"]
        assert [entry["event"] for entry in logs] == ["ami_callback_failed"]
        assert len(peer.connected_at) == 1 and floor.client.state is AmiState.READY


async def test_row_03_exceptions_in_up_and_down_callbacks_do_not_stop_the_client(
    peer: Peer,
) -> None:
    calls: list[str] = []

    def broken(*_: object) -> None:
        calls.append("call")
        raise RuntimeError("a handler broke")

    client = AmiClient(replace(FAST, port=peer.port), on_event=broken, on_up=broken, on_down=broken)
    run = asyncio.create_task(client.run())
    await client.wait_ready(PATIENCE_S)
    peer.hang_up()
    await until(lambda: client.reconnects == 1)
    await client.close()
    await run
    assert len(calls) >= 5


async def test_row_04_originate_is_always_asynchronous_and_keeps_the_link(peer: Peer) -> None:
    peer.answers["Originate"] = lambda a: answer(a, "Message: Originate successfully queued")
    async with running(peer) as floor:
        await floor.client.originate(request(caller_id=None, codecs="ulaw"))
        await floor.client.originate(request(action_id="orig-2"))
        assert floor.client.state is AmiState.READY
    first, second = peer.seen("Originate")
    assert first["Async"] == second["Async"] == ["true"]
    assert first["ActionID"] == ["orig-1"] and first["ChannelId"] == ["5ad0"]
    assert first["Timeout"] == ["30000"] and first["Codecs"] == ["ulaw"]
    assert "CallerID" not in first and second["CallerID"] == ["74951234567"]
    assert len(peer.connected_at) == 1


def originate_response(action: Action, outcome: str) -> bytes:
    return message(
        "Event: OriginateResponse",
        f"ActionID: {action['ActionID'][0]}",
        f"Response: {outcome}",
        "Channel: PJSIP/79001234567@trunk",
        "Reason: 0",
        "Uniqueid: 5ad0",
    )


@pytest.mark.parametrize("early", [True, False])
async def test_row_05_originate_settles_on_the_response_and_its_end_is_an_event(
    peer: Peer, early: bool
) -> None:
    def both(action: Action) -> bytes:
        end, queued = originate_response(action, "Failure"), answer(action)
        return end + queued if early else queued + end

    peer.answers["Originate"] = both
    async with running(peer) as floor:
        await floor.client.originate(request())
        await in_step(floor, peer)
    ends = [event for event in floor.events if isinstance(event, OriginateResponse)]
    assert [(end.action_id, end.success, end.unique_id) for end in ends] == [
        ("orig-1", False, "5ad0")
    ]


async def test_row_05_originate_does_not_wait_for_originate_response(peer: Peer) -> None:
    peer.answers["Originate"] = answer
    async with running(peer) as floor:
        await floor.client.originate(request())
        peer.send(originate_response(peer.seen("Originate")[0], "Success"))
        await until(lambda: any(isinstance(e, OriginateResponse) for e in floor.events))


async def test_row_05_a_refused_originate_raises(peer: Peer) -> None:
    peer.answers["Originate"] = lambda a: refusal(a, "Extension does not exist.")
    async with running(peer) as floor:
        with pytest.raises(AmiRefused) as refused:
            await floor.client.originate(request())
    assert refused.value.message == "Extension does not exist."


async def test_row_06_a_timed_out_action_is_forgotten_and_swallows_no_later_answer(
    peer: Peer,
) -> None:
    peer.answers["Fast"] = lambda a: answer(a, "Value: mine")
    async with running(peer) as floor:
        with pytest.raises(AmiTimeout):
            await floor.client.action("Slow", timeout_s=0.05)
        link = floor.client._link
        assert link is not None
        waiting = [action["Action"] for action in link.protocol.responses.values()]
        assert "Slow" not in waiting
        peer.send(answer(peer.seen("Slow")[0], "Value: late"))
        assert (await floor.client.action("Fast"))["Value"] == "mine"


async def test_row_06_a_cancelled_action_is_forgotten_and_unanswered_pings_do_not_pile_up(
    peer: Peer,
) -> None:
    peer.answers["Ping"] = lambda _: b""
    async with running(peer) as floor:
        cancelled = asyncio.create_task(floor.client.action("Slow"))
        await until(lambda: peer.seen("Slow") and len(peer.seen("Ping")) > 4)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        link = floor.client._link
        assert link is not None and len(link.protocol.responses) <= 1


def channel_items(action: Action, count: int, *, end: str = "Complete") -> bytes:
    action_id = f"ActionID: {action['ActionID'][0]}"
    items = [
        message("Event: CoreShowChannel", action_id, f"Channel: PJSIP/a-{n}") for n in range(count)
    ]
    last = (
        message("Event: CoreShowChannelsComplete", action_id, f"EventList: {end}") if end else b""
    )
    return answer(action, "EventList: start") + b"".join(items) + last


async def test_row_07_a_list_ends_with_its_complete_line(peer: Peer) -> None:
    peer.answers["CoreShowChannels"] = lambda a: newstate("x") + channel_items(a, 3)
    async with running(peer) as floor:
        found = await floor.client.list_action("CoreShowChannels")
        assert [item["Channel"] for item in found] == ["PJSIP/a-0", "PJSIP/a-1", "PJSIP/a-2"]
        assert any(isinstance(event, ChannelState) for event in floor.events)


async def test_row_07_a_list_that_is_refused_raises_at_once(peer: Peer) -> None:
    peer.answers["PJSIPShowContacts"] = lambda a: refusal(a, "No Contacts found")
    async with running(peer) as floor:
        with pytest.raises(AmiRefused, match="No Contacts found"):
            await floor.client.list_action("PJSIPShowContacts")


async def test_row_07_lists_are_bounded_in_size_and_time(peer: Peer) -> None:
    async with running(peer) as floor:
        peer.answers["CoreShowChannels"] = lambda a: channel_items(a, 5)
        with pytest.raises(AmiRefused, match="more than 4 items"):
            await floor.client.list_action("CoreShowChannels", limit=4)
        assert len(await floor.client.list_action("CoreShowChannels", limit=5)) == 5
        peer.answers["CoreShowChannels"] = lambda a: channel_items(a, 1, end="")
        with pytest.raises(AmiTimeout):
            await floor.client.list_action("CoreShowChannels", timeout_s=0.05)
        peer.answers["CoreShowChannels"] = lambda a: channel_items(a, 1, end="Cancelled")
        with pytest.raises(AmiRefused, match="cancelled"):
            await floor.client.list_action("CoreShowChannels")
        peer.answers["CoreShowChannels"] = answer
        assert await floor.client.list_action("CoreShowChannels") == []
        await in_step(floor, peer)


async def test_row_07_list_items_are_not_taken_for_news(peer: Peer) -> None:
    def states(action: Action) -> bytes:
        action_id = f"ActionID: {action['ActionID'][0]}"
        item = message("Event: DeviceStateChange", action_id, "Device: PJSIP/1", "State: INUSE")
        end = message("Event: DeviceStateListComplete", action_id, "EventList: Complete")
        return answer(action, "EventList: start") + item + end + item

    peer.answers["DeviceStateList"] = states
    async with running(peer) as floor:
        assert len(await floor.client.list_action("DeviceStateList")) == 1
        await in_step(floor, peer)
        assert [type(event) for event in floor.events] == [FullyBooted]


async def test_row_08_a_half_open_link_is_noticed(peer: Peer) -> None:
    settings = replace(FAST, ping_interval_s=0.05, silence_limit_s=0.3)
    async with running(peer, settings) as floor:
        peer.answers["Ping"] = lambda _: b""
        pending = asyncio.create_task(floor.client.action("Slow", timeout_s=PATIENCE_S))
        await until(lambda: floor.downs)
        with pytest.raises(AmiDisconnected):
            await pending
        assert "silent" in floor.downs[0]
        del peer.answers["Ping"]
        await until(lambda: len(floor.ups) > 1)


async def test_row_08_any_byte_counts_as_life(peer: Peer) -> None:
    settings = replace(FAST, ping_interval_s=0.05, silence_limit_s=1.0)
    peer.answers["Ping"] = lambda _: b"Event: VarSet\r\n"
    async with running(peer, settings) as floor:
        await asyncio.sleep(1.5)
        assert floor.client.state is AmiState.READY and not floor.downs


async def test_row_09_a_refused_login_is_reported_and_retried_late(peer: Peer) -> None:
    peer.answers["Login"] = lambda a: refusal(a, "Authentication failed")
    async with running(peer, ready=False) as floor:
        with capture_logs() as logs:
            await until(lambda: floor.client.state is AmiState.REFUSED)
        assert "Authentication failed" in floor.client.last_error
        assert "s3cret" not in floor.client.last_error + str(logs)
        assert any(entry["event"] == "ami_login_refused" for entry in logs)
        with pytest.raises(AmiTimeout, match="Authentication failed"):
            await floor.client.wait_ready(0.3)
        assert len(peer.connected_at) == 1 and not floor.ups
        del peer.answers["Login"]
        floor.client.retry_now()
        await floor.client.wait_ready(PATIENCE_S)
        assert not floor.downs and floor.client.last_error == ""


async def test_row_09_a_refused_login_is_retried_after_its_own_pause(peer: Peer) -> None:
    peer.answers["Login"] = lambda a: refusal(a, "Authentication failed")
    async with running(peer, replace(FAST, refused_retry_s=0.1), ready=False):
        await until(lambda: len(peer.connected_at) == 3)
    first, second, third = peer.connected_at
    assert second - first >= 0.1 and third - second >= 0.1


async def test_row_10_reconnects_wait_exponentially_with_jitter(peer: Peer) -> None:
    settings = replace(FAST, reconnect_first_s=0.02, reconnect_max_s=0.16)
    peer.hang_up_at_once = True
    async with running(peer, settings, ready=False, rng=random.Random(7)):
        await until(lambda: len(peer.connected_at) >= 6)
    rng = random.Random(7)
    planned = [backoff_s(attempt, settings, rng) for attempt in range(5)]
    waited = [b - a for a, b in zip(peer.connected_at, peer.connected_at[1:], strict=False)]
    assert all(real >= plan - 0.01 for real, plan in zip(waited, planned, strict=False))
    assert planned == sorted(planned) or len(set(planned)) == 5


def test_row_10_the_wait_doubles_up_to_its_limit_and_never_fewer_than_half() -> None:
    settings = replace(FAST, reconnect_first_s=0.2, reconnect_max_s=15.0)
    rng = random.Random(1)
    for attempt in range(2000):
        full_s = min(0.2 * 2.0 ** min(attempt, 30), 15.0)
        assert full_s / 2 <= backoff_s(attempt, settings, rng) <= full_s


async def test_row_11_there_is_one_connection_and_everyone_waits_for_it(peer: Peer) -> None:
    async with running(peer, ready=False) as floor:
        await asyncio.gather(*(floor.client.wait_ready(PATIENCE_S) for _ in range(20)))
        with pytest.raises(RuntimeError):
            await floor.client.run()
        peer.send(newstate("once"))
        await in_step(floor, peer)
        assert len(peer.connected_at) == 1
        assert sum(isinstance(event, ChannelState) for event in floor.events) == 1


async def test_row_12_closed_is_closed(peer: Peer) -> None:
    async with running(peer, replace(FAST, reconnect_first_s=0.2, reconnect_max_s=0.2)) as floor:
        await peer.stop()
        await until(lambda: floor.client.state is AmiState.DOWN)
        await floor.client.close()
        await floor.run
        await peer.listen()
        await asyncio.sleep(0.5)
        assert len(peer.connected_at) == 1
        assert floor.client.state is AmiState.CLOSED
        with pytest.raises(AmiDisconnected):
            await floor.client.wait_ready(PATIENCE_S)
        with pytest.raises(RuntimeError):
            await floor.client.run()


async def test_row_13_an_action_without_a_link_fails_at_once_and_is_not_queued(peer: Peer) -> None:
    port_of_nobody = Peer()
    await port_of_nobody.listen()
    await port_of_nobody.stop()
    async with running(port_of_nobody, ready=False) as floor:
        with pytest.raises(AmiDisconnected):
            await floor.client.action("Early")
        await until(lambda: floor.client.last_error)
        assert "is Asterisk running there?" in floor.client.last_error
        with pytest.raises(AmiDisconnected):
            await floor.client.originate(request())
        await port_of_nobody.listen()
        await floor.client.wait_ready(PATIENCE_S)
        await in_step(floor, port_of_nobody)
        assert not port_of_nobody.seen("Early") and not port_of_nobody.seen("Originate")
    await port_of_nobody.stop()
    with pytest.raises(AmiDisconnected):
        await floor.client.action("Late")


async def test_row_14_letters_cut_by_tcp_chunks_stay_whole(peer: Peer) -> None:
    event = message("Event: UserEvent", "UserEvent: Name", "Who: Иванов €𝄞")
    # No more pings: their answers would fall between the pieces.
    async with running(peer, replace(FAST, ping_interval_s=30.0)) as floor:
        await until(lambda: peer.seen("Ping"))
        await in_step(floor, peer)
        for byte in event * 2:
            peer.send(bytes([byte]))
            await asyncio.sleep(0)
        for cut in range(0, len(event), 7):
            peer.send(event[:cut])
            await asyncio.sleep(0.002)
            peer.send(event[cut:])
        expected = 2 + len(range(0, len(event), 7))
        await until(lambda: len(floor.events) == expected + 1)
    named = [event for event in floor.events if isinstance(event, UserEvent)]
    assert {event.fields["Who"] for event in named} == {"Иванов €𝄞"}


def test_row_14_every_cut_gives_the_same_messages() -> None:
    stream = BANNER + message("A: Иванов") + message("B: €") + b"\r\n" + message("C: 1")
    for cut in range(len(stream) + 1):
        reader = MessageReader(1000)
        found = reader.feed(stream[:cut]) + reader.feed(stream[cut:])
        assert [read_fields(one) for one in found] == [{"A": "Иванов"}, {"B": "€"}, {"C": "1"}]
    reader = MessageReader(1000)
    assert [m for byte in stream for m in reader.feed(bytes([byte]))] == found
    assert read_fields(b"A: \xff\xd0")["A"] == "\ufffd\ufffd"


async def test_row_15_calls_of_the_same_second_stay_apart(peer: Peer) -> None:
    async with running(peer) as floor:
        peer.send(newstate("1795299112.1", 5) + newstate("1795299112.2", 6))
        await in_step(floor, peer)
    states = [(e.unique_id, e.state) for e in floor.events if isinstance(e, ChannelState)]
    assert states == [("1795299112.1", 5), ("1795299112.2", 6)]


async def test_row_16_lines_end_in_crlf_and_the_library_s_test_double_is_not_used(
    peer: Peer,
) -> None:
    async with running(peer) as floor:
        await in_step(floor, peer)
    assert peer.raw.count(b"\n") == peer.raw.count(b"\r\n") > 0
    root = Path(__file__).parents[2]
    sources = [p.read_text() for name in ("dialer", "agi") for p in (root / name).rglob("*.py")]
    for forbidden in ("panoramisk.testing", "CallManager", "call_manager"):
        assert not any(forbidden in text for text in sources)
    assert "panoramisk.testing" not in sys.modules


async def test_row_17_events_are_handed_over_in_order_and_at_once(peer: Peer) -> None:
    async with running(peer) as floor:
        peer.send(b"".join(newstate(str(number), number % 7) for number in range(2000)))
        await in_step(floor, peer)
        got = [event.unique_id for event in floor.events if isinstance(event, ChannelState)]
    assert got == [str(number) for number in range(2000)]


async def test_row_18_missing_fields_are_errors_and_names_shadow_nothing(peer: Peer) -> None:
    headers = {"items": "1", "success": "no", "keys": "2", "get": "3", "id": "4", "content": "5"}
    async with running(peer) as floor:
        with capture_logs() as logs:
            peer.send(message("Event: Newstate", "Channel: PJSIP/a-1", "ChannelState: 6"))
            peer.send(newstate("u1", ""))
            lines = [f"{key}: {value}" for key, value in headers.items()]
            peer.send(message("Event: UserEvent", "UserEvent: Poll", *lines))
            await in_step(floor, peer)
        malformed = [e["key"] for e in logs if e["event"] == "ami_event_malformed"]
        assert malformed == ["Uniqueid", "ChannelState"]
        polls = [event for event in floor.events if isinstance(event, UserEvent)]
        assert [(poll.name, poll.fields) for poll in polls] == [("Poll", headers)]
        assert not any(isinstance(event, ChannelState) for event in floor.events)
        assert floor.client.state is AmiState.READY


@pytest.mark.parametrize("flood", [b"x" * 200_000, b"Event: Y\r\n" + b"A: b\r\n" * 30_000])
async def test_row_19_an_endless_message_drops_the_link(peer: Peer, flood: bytes) -> None:
    async with running(peer) as floor:
        peer.send(flood)
        await until(lambda: floor.downs)
        assert "more than 65536 bytes" in floor.downs[0]
        await until(lambda: len(floor.ups) == 2)


async def test_row_19_a_message_over_the_limit_drops_the_link_even_when_it_ends(
    peer: Peer,
) -> None:
    async with running(peer) as floor:
        peer.send(message("Event: UserEvent", "UserEvent: Big", "Text: " + "x" * 70_000))
        await until(lambda: floor.downs)
        assert not any(isinstance(event, UserEvent) for event in floor.events)
