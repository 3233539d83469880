"""The WebSocket of a page that drives this machine's camera: clicks in, state and previews out.

    GET /live/host -> {"type": "offers"}, then {"type": "state"} twice a second; {"type": "preview"} pulls one picture

A page that reads slowly is behind with its own pictures and nobody else's; the call knows nothing of it.
"""

import asyncio
import contextlib

from engine.errors import WhetstoneError
from webui.live_protocol import AGAINST_THE_RULES, BUSY, Pace, Refusal, read_words
from webui.live_socket import receive, refusing

HOST_PATH = "/live/host"
_STATE_EVERY_S = 0.5
_CLICKS_PER_S = 60  # a slider that is dragged sends one a picture of the screen
_LOOK_EVERY_S = 0.03
_MOST_PAGES = 16
_SILENT_S = 3600.0  # the ping finds out sooner who is gone


async def serve_host_camera(socket, host):
    """One accepted page, until it closes. host: HostCamera."""
    await socket.accept()
    async with refusing(socket), _place(host):
        await socket.send_json(await asyncio.to_thread(host.offers))
        page = _Page(socket, host)
        tasks = [asyncio.create_task(work) for work in (page.listen(), page.tell(), page.show())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()


@contextlib.asynccontextmanager
async def _place(host):
    if host.pages >= _MOST_PAGES:
        raise Refusal(BUSY, f"busy: {_MOST_PAGES} pages show this camera already; close one")
    host.pages += 1
    try:
        yield
    finally:
        host.pages -= 1


class _Page:
    def __init__(self, socket, host):
        self._socket, self._host = socket, host
        self._asked = asyncio.Event()

    async def listen(self):
        """Clicks, one after the other."""
        pace = Pace(_CLICKS_PER_S, asyncio.get_running_loop().time)
        while True:
            message = await receive(self._socket, _SILENT_S, "nothing was asked for an hour")
            pace.count()
            if not isinstance(message, str):
                raise Refusal(AGAINST_THE_RULES, "this machine's camera takes no pictures from a page")
            words = read_words(message)
            if words["type"] == "preview":
                self._asked.set()
                continue
            if words["type"] == "offers":
                await self._socket.send_json(await asyncio.to_thread(self._host.offers))
                continue
            try:
                await asyncio.to_thread(self._host.do, words)
            except WhetstoneError as error:
                await self._socket.send_json({"type": "trouble", "message": str(error)})
            await self._state()

    async def tell(self):
        """What goes on, twice a second."""
        while True:
            await self._state()
            await asyncio.sleep(_STATE_EVERY_S)

    async def show(self):
        """One picture for each that was asked for."""
        index = None
        while True:
            await self._asked.wait()
            self._asked.clear()
            while (found := await asyncio.to_thread(self._host.preview, index)) is None:
                await asyncio.sleep(_LOOK_EVERY_S)
            index, picture = found
            await self._socket.send_bytes(picture)

    async def _state(self):
        await self._socket.send_json(await asyncio.to_thread(self._host.state))
