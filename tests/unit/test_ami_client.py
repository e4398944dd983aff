"""The AMI client's contract beyond panoramisk's defects, against a real socket server."""

import asyncio
from dataclasses import replace

import pytest

from dialer.asterisk.ami import (
    AmiBadValue,
    AmiClient,
    AmiDisconnected,
    AmiError,
    AmiRefused,
    AmiState,
    AmiTimeout,
)
from dialer.asterisk.ami_wire import read_fields, variable_header
from dialer.asterisk.events import UserEvent
from tests.unit.ami_peer import (
    BOOTED,
    FAST,
    PATIENCE_S,
    Peer,
    answer,
    in_step,
    message,
    peer_fixture,  # noqa: F401
    refusal,
    request,
    running,
    until,
)


async def test_ready_needs_fully_booted(peer: Peer) -> None:
    peer.booted = b""
    async with running(peer, ready=False) as floor:
        await until(lambda: peer.seen("Ping"))
        assert floor.client.state is AmiState.CONNECTING
        with pytest.raises(AmiDisconnected):
            await floor.client.action("Early")
        with pytest.raises(AmiTimeout):
            await floor.client.wait_ready(0.05)
        peer.send(BOOTED + BOOTED)
        await floor.client.wait_ready(PATIENCE_S)
        await in_step(floor, peer)
        assert len(floor.ups) == 1 and floor.client.asterisk_banner.endswith("11.0.0")


async def test_every_up_has_one_down(peer: Peer) -> None:
    async with running(peer) as floor:
        peer.hang_up()
        await until(lambda: len(floor.ups) == 2)
        assert len(floor.downs) == 1
    assert len(floor.downs) == 2


async def test_cancelling_run_ends_the_link(peer: Peer) -> None:
    downs: list[str] = []
    client = AmiClient(
        replace(FAST, port=peer.port),
        on_event=lambda _: None,
        on_up=lambda: None,
        on_down=downs.append,
    )
    run = asyncio.create_task(client.run())
    await client.wait_ready(PATIENCE_S)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert client.state is AmiState.CLOSED and downs == ["the dialer stopped"]


async def test_a_port_that_is_not_ami_is_named_as_such() -> None:
    peer = Peer(greeting=b"SSH-2.0-OpenSSH_9.2\r\n")
    await peer.listen()
    async with running(peer, ready=False) as floor:
        await until(lambda: bool(floor.client.last_error))
        assert "not Asterisk's manager" in floor.client.last_error
        assert floor.client.state is not AmiState.READY
    await peer.stop()


async def test_a_peer_that_says_nothing_is_given_up_after_the_connect_timeout() -> None:
    peer = Peer(greeting=b"")
    peer.answers["Login"] = lambda _: b""
    await peer.listen()
    async with running(peer, replace(FAST, connect_timeout_s=0.1), ready=False) as floor:
        await until(lambda: len(peer.connected_at) == 2)
        assert "gave no answer to the login" in floor.client.last_error
    await peer.stop()


async def test_a_peer_that_stops_reading_does_not_fill_our_memory(peer: Peer) -> None:
    async with running(peer, replace(FAST, ping_interval_s=30.0)) as floor:
        peer.listening.clear()
        big = {"Variable": [f"A={'x' * 1000}"] * 100}
        sent: list[asyncio.Task[object]] = []
        while not floor.downs and len(sent) < 1000:
            sent.append(asyncio.create_task(floor.client.action("Setvar", big)))
            await asyncio.sleep(0)
        peer.listening.set()
        ends = await asyncio.gather(*sent, return_exceptions=True)
        assert "stopped reading" in floor.downs[0]
        assert {type(end) for end in ends} == {AmiDisconnected}


async def test_hangup_redirect_and_variables(peer: Peer) -> None:
    peer.answers["Hangup"] = peer.answers["Setvar"] = peer.answers["Redirect"] = answer
    peer.answers["Getvar"] = lambda a: answer(a, "Variable: A", "Value: 1: 2")
    async with running(peer) as floor:
        client = floor.client
        assert await client.hangup("PJSIP/a-1", 17)
        assert await client.set_variable("PJSIP/a-1", "A", "x,y")
        assert await client.redirect("PJSIP/a-1", "ctx", "s", "label", extra_channel="PJSIP/b-1")
        assert await client.get_variable("PJSIP/a-1", "A") == "1: 2"
    assert peer.seen("Hangup")[0]["Cause"] == ["17"]
    redirect = peer.seen("Redirect")[0]
    assert redirect["ExtraContext"] == ["ctx"] and redirect["ExtraPriority"] == ["label"]


async def test_a_channel_that_is_gone_is_false_and_other_refusals_raise(peer: Peer) -> None:
    peer.answers["Hangup"] = peer.answers["Setvar"] = lambda a: refusal(a, "No such channel")
    peer.answers["Redirect"] = lambda a: refusal(a, "Channel does not exist: PJSIP/a-1")
    async with running(peer) as floor:
        client = floor.client
        assert not await client.hangup("PJSIP/a-1")
        assert not await client.set_variable("PJSIP/a-1", "A", "1")
        assert not await client.redirect("PJSIP/a-1", "ctx", "s")
        peer.answers["Hangup"] = lambda a: refusal(a, "Permission denied")
        with pytest.raises(AmiRefused, match="Permission denied"):
            await client.hangup("PJSIP/a-1")


@pytest.mark.parametrize("channel", ["", "/^PJSIP/"])
async def test_a_pattern_or_nothing_is_not_a_channel(peer: Peer, channel: str) -> None:
    async with running(peer) as floor:
        for refused in (
            floor.client.hangup(channel),
            floor.client.redirect(channel, "ctx", "s"),
            floor.client.redirect("PJSIP/a-1", "ctx", "s", extra_channel=channel),
            floor.client.set_variable(channel, "A", "1"),
            floor.client.get_variable(channel, "A"),
        ):
            with pytest.raises(AmiBadValue):
                await refused


async def test_two_actions_with_one_id_do_not_mix(peer: Peer) -> None:
    async with running(peer) as floor:
        first = asyncio.create_task(floor.client.originate(request(), timeout_s=0.2))
        await until(lambda: peer.seen("Originate"))
        with pytest.raises(AmiBadValue):
            await floor.client.originate(request())
        with pytest.raises(AmiTimeout):
            await first


async def test_a_header_forged_in_a_user_event_does_not_replace_the_channel_s(peer: Peer) -> None:
    async with running(peer) as floor:
        forged = ["A: x", "ActionID: zz", "Uniqueid: forged", "Event: Hangup"]
        peer.send(message("Event: UserEvent", "Uniqueid: real", "UserEvent: Poll", *forged))
        await in_step(floor, peer)
    polls = [event for event in floor.events if isinstance(event, UserEvent)]
    assert [poll.unique_id for poll in polls] == ["real"]


def test_repeated_output_is_joined_and_other_repeats_keep_the_first() -> None:
    found = read_fields(b"Output: a: 1\r\nOutput: \r\nOutput: b\r\nX: 1\r\nX: 2\r\nEmpty:\r\nnoise")
    assert found == {"Output": "a: 1\n\nb", "X": "1", "Empty": ""}


def test_settings_do_not_print_their_secret() -> None:
    assert "s3cret" not in repr(FAST) + str(FAST)


@pytest.mark.parametrize("name", ["A B", "", "A=1", "A,B", "A;B", "A)", "1A"])
def test_a_bad_variable_name_is_refused(name: str) -> None:
    with pytest.raises(AmiError):
        variable_header(name, "1")


def test_functions_and_inherited_names_are_variables_too() -> None:
    assert variable_header("CALLERID(num)", "7") == "CALLERID(num)=7"
    assert variable_header("__A_1", "") == "__A_1="


async def test_close_ends_a_connection_under_way(peer: Peer) -> None:
    peer.answers["Login"] = lambda _: b""
    async with running(peer, ready=False) as floor:
        await until(lambda: peer.seen("Login"))
        await asyncio.wait_for(floor.client.close(), 1.0)
        assert floor.run.done() and len(peer.connected_at) == 1


async def test_close_ends_a_long_wait_at_once(peer: Peer) -> None:
    peer.answers["Login"] = lambda a: refusal(a, "Authentication failed")
    async with running(peer, ready=False) as floor:
        await until(lambda: floor.client.state is AmiState.REFUSED)
        await asyncio.wait_for(floor.client.close(), 1.0)
        assert floor.run.done() and len(peer.connected_at) == 1
