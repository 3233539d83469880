"""The Live tab's routes on the page's server: two WebSockets, each behind the guard, and what it drives below."""

from dataclasses import dataclass

import fastapi

from webui.door import ACCESS_PATH, refuse_websocket
from webui.host_camera import HostCamera
from webui.host_socket import HOST_PATH, serve_host_camera
from webui.live_socket import BROWSER_PATH, serve_browser_camera
from webui.live_visitors import Visitors, open_stream_sharpener

_LOG_IN = "Log in first, then reload the page."
_NOT_HERE = "Only who is at this machine, or has logged in, may use its camera."


@dataclass(frozen=True)
class Live:
    """What the Live tab drives: the cameras of browsers, and this machine's."""

    visitors: Visitors
    host: HostCamera

    def close(self):
        """End the call and every visit."""
        self.host.close()
        self.visitors.close()


def open_live(sharpeners, *, device="auto", backend="auto", limits=None):
    """A Live over the page's choice of students (Sharpeners); nothing is loaded before it is needed.

    limits: LiveLimits, None for the usual ones.
    """
    names, default = sharpeners.names(), sharpeners.default
    visitors = Visitors(
        names, default, lambda name: open_stream_sharpener(name, device=device, backend=backend), limits
    )
    return Live(visitors, HostCamera(names, default, device=device, backend=backend))


def add_routes(app, live, guard):
    """Add them to a FastAPI application, before anything that takes every path."""

    @app.get(ACCESS_PATH)
    async def access(request: fastapi.Request):
        return {"host": await guard.may_use_host(request.scope)}

    @app.websocket(BROWSER_PATH)
    async def browser_camera(socket: fastapi.WebSocket):
        if not await guard.may_enter(socket.scope):
            await refuse_websocket(socket.scope, socket.send, 401, _LOG_IN)
            return
        await serve_browser_camera(socket, live.visitors)

    @app.websocket(HOST_PATH)
    async def host_camera(socket: fastapi.WebSocket):
        if not await guard.may_use_host(socket.scope):
            await refuse_websocket(socket.scope, socket.send, 401, _NOT_HERE)
            return
        await serve_host_camera(socket, live.host)
