"""The dashboard as a server on this machine: Streamlit without telemetry, behind a check of who asks."""

import threading
from pathlib import Path
from urllib.parse import urlsplit

from webui.dashboard.scripts import PATH, Scripts
from webui.server import ABOUT_PATH

_SCRIPT = Path(__file__).resolve().with_name("main.py")
_HOSTS = ("localhost", "127.0.0.1", "::1")
SETTINGS = {
    "browser.gatherUsageStats": False,
    "server.headless": True,  # we open the browser, and print where it is, ourselves
    "server.fileWatcherType": "none",
    "server.runOnSave": False,
    "global.developmentMode": False,
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "full",
    "logger.level": "warning",
    "theme.light.primaryColor": "#0f766e",
    "theme.light.backgroundColor": "#ffffff",
    "theme.light.secondaryBackgroundColor": "#f6f5f3",
    "theme.light.textColor": "#1c1b19",
    "theme.dark.primaryColor": "#0f8a7f",
    "theme.dark.backgroundColor": "#171614",
    "theme.dark.secondaryBackgroundColor": "#211f1d",
    "theme.dark.textColor": "#ebe9e6",
}
# Streamlit compiles its tables' code at run time, hence 'unsafe-eval'; nothing is loaded from or sent to elsewhere.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
_HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]


def build_server():
    """The ASGI application. Imports what the first visitor would wait for."""
    import streamlit
    from starlette.responses import JSONResponse
    from starlette.routing import Route
    from streamlit.starlette import App
    from streamlit.web.bootstrap import load_config_options

    load_config_options(SETTINGS)
    import pyarrow  # noqa: F401

    from webui.charts.look import framed
    from webui.dashboard.views import models, quality, runs, speed, studies  # noqa: F401 - the script needs them

    framed([{"type": "scatter"}], x="", y="")  # Plotly loads its parts at their first use
    threading.Thread(target=runs.read_ahead, daemon=True).start()
    about = Route(ABOUT_PATH, lambda request: JSONResponse({"name": "Whetstone", "page": "dashboard"}))
    scripts = Scripts(Path(streamlit.__file__).parent / "static" / "static" / "js")
    return Gate(App(_SCRIPT, routes=[about]), scripts)


class Gate:
    """ASGI middleware: answers this machine's browser alone, and no other site that it has open.

    Streamlit's own check of the origin would ask a server on the Internet for this machine's address.
    """

    def __init__(self, app, scripts):
        self.app, self._scripts = app, scripts
        self._page_headers = [(b"link", link.encode()) for link in scripts.links()]

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        script = scope["path"].removeprefix(PATH) if scope["path"].startswith(PATH) else ""
        if is_ours(headers.get("host", ""), headers.get("origin")):
            if scope["type"] == "http" and scope["method"] == "GET" and self._scripts.read(script) is not None:
                await self._scripts.answer(script, send, _HEADERS)
                return
            await self.app(scope, receive, self._with_headers(send) if scope["type"] == "http" else send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": b"The dashboard answers its own page alone.\n"})

    def _with_headers(self, send):
        async def sending(message):
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                is_page = any(name.lower() == b"content-type" and b"text/html" in value for name, value in headers)
                message = {**message, "headers": headers + _HEADERS + (self._page_headers if is_page else [])}
            await send(message)

        return sending


def is_ours(host, origin):
    """Whether the Host header names this machine and the Origin header, where there is one, is this very server."""
    if urlsplit(f"//{host}").hostname not in _HOSTS:
        return False
    return origin is None or urlsplit(origin).netloc == host
