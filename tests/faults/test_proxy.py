"""The fault proxy itself: what it breaks is broken, and what it mends works again."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.proxy import FaultProxy

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.fixture(name="proxy")
async def proxy_fixture() -> AsyncIterator[FaultProxy]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    proxy = await FaultProxy.start("127.0.0.1", server.sockets[0].getsockname()[1])
    yield proxy
    await proxy.close()
    server.close()


async def connect(proxy: FaultProxy) -> Streams:
    return await asyncio.open_connection("127.0.0.1", proxy.port)


async def said_and_heard(link: Streams, text: bytes, timeout_s: float = 5.0) -> bool:
    link[1].write(text)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            return await link[0].readexactly(len(text)) == text
    return False


async def test_it_forwards_both_ways_and_the_end_of_one_side(proxy: FaultProxy) -> None:
    link = await connect(proxy)
    assert await said_and_heard(link, b"hello" * 100_000)
    link[1].write_eof()
    assert await asyncio.wait_for(link[0].read(), 5.0) == b""
    link[1].close()
    assert proxy.connections == 1


async def test_cut_resets_links_and_new_ones_work(proxy: FaultProxy) -> None:
    links = [await connect(proxy) for _ in range(3)]
    for link in links:
        assert await said_and_heard(link, b"one")
    proxy.cut()
    for link in links:
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(link[0].readexactly(1), 5.0)
        link[1].close()
    again = await connect(proxy)
    assert await said_and_heard(again, b"two")
    again[1].close()


async def test_refuse_keeps_present_links_and_accept_takes_new_ones_on_the_same_port(
    proxy: FaultProxy,
) -> None:
    present = await connect(proxy)
    assert await said_and_heard(present, b"one")
    port = proxy.port
    for _ in range(3):
        proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            await connect(proxy)
        proxy.accept()
        new = await connect(proxy)
        assert await said_and_heard(new, b"two")
        new[1].close()
    assert await said_and_heard(present, b"three") and proxy.port == port
    present[1].close()


async def test_stall_holds_everything_and_loses_nothing(proxy: FaultProxy) -> None:
    link = await connect(proxy)
    assert await said_and_heard(link, b"one")
    proxy.stall()
    new = await connect(proxy)
    assert not await said_and_heard(link, b"two", 0.1)
    assert not await said_and_heard(new, b"new", 0.1)
    proxy.resume()
    assert await asyncio.wait_for(link[0].readexactly(3), 5.0) == b"two"
    assert await asyncio.wait_for(new[0].readexactly(3), 5.0) == b"new"
    link[1].close()
    new[1].close()


async def test_a_stalled_link_makes_the_sender_wait(proxy: FaultProxy) -> None:
    link = await connect(proxy)
    proxy.stall()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            while True:
                link[1].write(b"x" * 1_000_000)
                await link[1].drain()
    proxy.cut()
    link[1].transport.abort()


async def test_a_stalled_link_can_be_cut(proxy: FaultProxy) -> None:
    link = await connect(proxy)
    assert await said_and_heard(link, b"one")
    proxy.stall()
    link[1].write(b"held")
    await asyncio.sleep(0.05)
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(link[0].readexactly(1), 5.0)
    link[1].close()


async def test_delay_holds_each_way(proxy: FaultProxy) -> None:
    link = await connect(proxy)
    proxy.delay(0.1)
    started = time.monotonic()
    assert await said_and_heard(link, b"slow")
    assert time.monotonic() - started >= 0.2
    proxy.delay(0)
    assert await said_and_heard(link, b"fast")
    link[1].close()


async def test_upstream_can_be_a_unix_socket_and_can_change(
    proxy: FaultProxy, tmp_path: Path
) -> None:
    path = tmp_path / "s"
    server = await asyncio.start_unix_server(echo, path)
    proxy.set_upstream(str(path))
    link = await connect(proxy)
    assert await said_and_heard(link, b"by path")
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(link[0].readexactly(1), 5.0)
    link[1].close()
    server.close()


async def test_an_absent_upstream_ends_the_link_at_once(tmp_path: Path) -> None:
    proxy = await FaultProxy.start(str(tmp_path / "absent"))
    link = await connect(proxy)
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(link[0].read(), 5.0) == b""
    link[1].close()
    await proxy.close()


async def test_close_leaves_nothing(proxy: FaultProxy) -> None:
    link = await connect(proxy)
    assert await said_and_heard(link, b"one")
    before = {task for task in asyncio.all_tasks() if task.get_name() != "server"}
    await proxy.close()
    assert len(asyncio.all_tasks()) < len(before)
    with pytest.raises(ConnectionRefusedError):
        await connect(proxy)
    link[1].close()
