"""A TCP proxy between a client under test and a server, to break the link on purpose."""

import asyncio
import contextlib
import socket
import struct

_CHUNK_BYTES = 64 * 1024
_CONNECT_TIMEOUT_S = 5.0
_RST_ON_CLOSE = struct.pack("ii", 1, 0)


class FaultProxy:
    """Forwards 127.0.0.1:`port` to a TCP server, or to a unix socket where only a path is given.

    At most one chunk of 64 KiB and the stream buffers are held per direction: a stalled link makes
    the sender wait, as a real one does.
    """

    def __init__(self, upstream_host: str, upstream_port: int | None) -> None:
        self.port = 0
        self.connections = 0
        self._delay_s = 0.0
        self._upstream = (upstream_host, upstream_port)
        self._reserved = self._bound()
        self.port = self._reserved.getsockname()[1]
        self._listener: socket.socket | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    async def start(cls, upstream_host: str, upstream_port: int | None = None) -> "FaultProxy":
        """A path as host and no port means a unix socket. The upstream may come up later."""
        proxy = cls(upstream_host, upstream_port)
        proxy.accept()
        return proxy

    def set_upstream(self, host: str, port: int | None = None) -> None:
        """For new links; present ones stay where they are."""
        self._upstream = (host, port)

    def cut(self) -> None:
        """Reset every present link on both sides."""
        for writer in list(self._writers):
            # A link may have ended by itself a moment ago.
            with contextlib.suppress(OSError):
                raw = writer.get_extra_info("socket")
                if raw.family != socket.AF_UNIX:
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
            self._drop(writer)
        for task in self._tasks:
            task.cancel()

    def refuse(self) -> None:
        """New connections are refused by the system; present links go on."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def accept(self) -> None:
        """Undo `refuse`, on the same port."""
        if self._listener is None:
            self._listener = self._bound()
            self._listener.listen(128)
            asyncio.get_running_loop().add_reader(self._listener, self._take)

    def stall(self) -> None:
        """Half-open: links stay, new ones are taken, nothing is forwarded."""
        self._flowing.clear()

    def resume(self) -> None:
        """What was held back is forwarded, in order."""
        self._flowing.set()

    def delay(self, seconds: float) -> None:
        """Hold every chunk for this long, in each direction. 0 ends it."""
        self._delay_s = seconds

    async def close(self) -> None:
        """No link, no task and no port is left."""
        self.refuse()
        tasks = list(self._tasks)
        self.cut()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._reserved.close()

    def _bound(self) -> socket.socket:
        # A bound socket that does not listen keeps the port ours while we refuse.
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        raw.bind(("127.0.0.1", self.port))
        raw.setblocking(False)
        return raw

    def _take(self) -> None:
        assert self._listener is not None
        with contextlib.suppress(OSError):
            client, _ = self._listener.accept()
            client.setblocking(False)
            self.connections += 1
            task = asyncio.create_task(self._link(client))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            # A task that is cut before its first step would leave the socket open.
            task.add_done_callback(lambda _: client.close())

    async def _link(self, client: socket.socket) -> None:
        near = await asyncio.open_connection(sock=client, limit=_CHUNK_BYTES)
        self._writers.add(near[1])
        try:
            far = await self._open_upstream()
        except (OSError, TimeoutError):
            self._drop(near[1])
            return
        except asyncio.CancelledError:
            self._drop(near[1])
            raise
        self._writers.add(far[1])
        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump(near[0], far[1]))
                pumps.create_task(self._pump(far[0], near[1]))
        except* OSError:
            pass
        finally:
            self._drop(near[1])
            self._drop(far[1])

    def _drop(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        writer.transport.abort()

    async def _open_upstream(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = self._upstream
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            if port is None:
                return await asyncio.open_unix_connection(host, limit=_CHUNK_BYTES)
            return await asyncio.open_connection(host, port, limit=_CHUNK_BYTES)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK_BYTES):
            if self._delay_s:
                await asyncio.sleep(self._delay_s)
            await self._flowing.wait()
            writer.write(data)
            await writer.drain()
        await self._flowing.wait()
        writer.write_eof()
