"""The one door in front of the page's server: what is not needed is refused before Gradio sees it.

Gradio offers more than this page uses (an API, a proxy, fetching of addresses, recording, monitoring); and a mounted
Gradio app does not check where a file named in an event lies. So: a list of the paths that the page needs, a check of
the host and the origin (a web site that a visitor has open must not be able to talk to this machine's page), a check of
every file that an event names, and headers that keep the browser from contacting anyone else.
"""

import json
from urllib.parse import urlsplit

from webui.server import ABOUT_PATH
from webui.static_page import ISOLATION

API = "/gradio_api"
ACCESS_PATH = "/live/access"  # tells the page whether this visitor may use this machine's camera
HERE_PATH = "/here/"  # the page that sharpens in the visitor's own browser
_HEARTBEAT = f"{API}/heartbeat/"  # a connection that lasts as long as the page is open
_LARGEST_EVENT = 2**20  # bytes of JSON; pictures come as uploads, not in events
_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1", "0.0.0.0")

_OPEN = {  # exact paths
    "GET": {
        "/",
        "/config",
        "/theme.css",
        "/favicon.ico",
        "/manifest.json",
        "/robots.txt",
        ABOUT_PATH,
        ACCESS_PATH,
        HERE_PATH.rstrip("/"),
        "/logout",
        f"{API}/queue/data",
        f"{API}/queue/status",
        f"{API}/upload_progress",
        f"{API}/startup-events",
        f"{API}/login_check",
        f"{API}/app_id",
        f"{API}/user",
        f"{API}/theme.css",
    },
    "POST": {"/login", f"{API}/upload", f"{API}/queue/join", f"{API}/cancel", f"{API}/reset"},
}
_OPEN_BELOW = {"GET": ("/assets/", "/static/", "/svelte/", HERE_PATH, _HEARTBEAT, f"{API}/file="), "POST": ()}

_WEBSOCKETS = {"/live/browser", "/live/host"}

# Gradio's page holds inline scripts and compiles its event code at run time, hence 'unsafe-inline' and 'unsafe-eval';
# what matters here is that nothing is loaded from or sent to another machine.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self' data: blob:; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
_HEADERS = [
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"permissions-policy", b"microphone=(), geolocation=(), usb=()"),
]
# This page has no inline script; it starts modules from memory, whose hash it has checked. Isolated, its WebAssembly
# may have threads.
_HERE_POLICY = (
    "default-src 'none'; script-src 'self' blob: 'wasm-unsafe-eval'; worker-src 'self' blob:; "
    "connect-src 'self' blob: data:; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_HERE_HEADERS = [
    (b"content-security-policy", _HERE_POLICY.encode()),
    *_HEADERS,
    *((name.encode(), value.encode()) for name, value in ISOLATION.items()),
]
_NOT_KEPT = (b"cache-control", b"private, no-store")  # no picture stays in the browser's cache


class Door:
    """ASGI middleware around the whole server."""

    def __init__(self, app, *, owns_served, local_only, public_hosts=(), frames=(), presence=None):
        """owns_served(path): whether a file may be read by a visitor. local_only: the server listens on this machine
        alone, so that only this machine's names are right in the Host header. public_hosts: more names (a proxy's).
        frames: origins whose pages may show this one in a frame. presence: told (arrive, depart) which visitors have
        the page open."""
        self.app = app
        self._presence = presence
        self._owns_served = owns_served
        self._local_only = local_only
        self._public_hosts = {host.lower() for host in public_hosts}
        self._headers = [(b"content-security-policy", " ".join([POLICY, *frames]).encode()), *_HEADERS]

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            if scope["type"] == "websocket" and (refusal := self._refusal(scope)):
                await refuse_websocket(scope, send, *refusal)
                return
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None and scope["method"] == "POST" and scope["path"] == f"{API}/queue/join":
            body = await _read_body(receive)
            refusal = self._refuse_event(body)
            receive = _replay(body, receive)
        if refusal is not None:
            await _answer(send, *refusal, headers=self._headers)
            return
        send = _with_headers(send, self._headers_of(scope["path"]))
        if self._presence is None or not scope["path"].startswith(_HEARTBEAT):
            await self.app(scope, receive, send)
            return
        visitor = scope["path"][len(_HEARTBEAT) :]
        self._presence.arrive(visitor)
        try:
            await self.app(scope, receive, send)
        finally:
            self._presence.depart(visitor)

    def _headers_of(self, path):
        if path.startswith(HERE_PATH):
            return _HERE_HEADERS
        return [*self._headers, _NOT_KEPT] if path.startswith(f"{API}/file=") else self._headers

    def _refusal(self, scope):
        """(status, sentence) when the request does not belong here, else None."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = _host_name(f"//{headers.get('host', '')}")
        if self._local_only and host not in (*_LOCAL_HOSTS, *self._public_hosts):
            return 421, "This page answers under its local address only."
        if scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD"):
            origin = headers.get("origin")
            if origin is not None:
                forwarded = headers.get("x-forwarded-host", "").split(",")[0].strip()
                own = {host, _host_name(f"//{forwarded}"), *self._public_hosts} - {""}
                name = _host_name(origin)
                local = name in _LOCAL_HOSTS and host in _LOCAL_HOSTS
                if name not in own and not local:
                    return 403, "Another web site may not use this page."
                # a page that another program of this machine serves may not reach for the camera
                if scope["type"] == "websocket" and local and _port(origin) != _port(f"//{headers.get('host', '')}"):
                    return 403, "Another web site may not use this page."
        if scope["type"] == "websocket":
            return None if scope["path"] in _WEBSOCKETS else (404, "Not found.")
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        path = scope["path"]
        if path in _OPEN.get(method, ()) or path.rstrip("/") in _OPEN.get(method, ()):
            return None
        if not path.startswith(_OPEN_BELOW.get(method, ())):
            return 404, "Not found."
        if path.startswith(f"{API}/file=") and not self._owns_served(path[len(f"{API}/file=") :]):
            return 404, "Not found."
        return None

    def _refuse_event(self, body):
        if body is None:
            return 413, "The event is too large."
        try:
            event = json.loads(body)
        except (ValueError, RecursionError):
            return 400, "The event is not JSON."
        if not all(
            self._owns_served(text) for key, text in _strings(event) if key == "path"
        ):  # an address is none either
            return 403, "An event may only name files that were uploaded here and are still there."
        return None


def _strings(value):
    """(key, string) for every string in a JSON value, however deep; key: of the nearest object around it, or None."""
    todo = [(None, value)]
    while todo:
        key, value = todo.pop()
        if isinstance(value, str):
            yield key, value
        elif isinstance(value, dict):
            todo.extend(value.items())
        elif isinstance(value, list):
            todo.extend((key, item) for item in value)


async def refuse_websocket(scope, send, status, sentence):
    """Answer a WebSocket's request as a plain one, with the sentence where the server can."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": sentence})
        return
    content = sentence.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(content)).encode())]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": content})


def _port(address):
    """The port of an address, its scheme's where it names none."""
    try:
        parts = urlsplit(address)
        return parts.port or (443 if parts.scheme in ("https", "wss") else 80)
    except ValueError:
        return None


def _host_name(address):
    try:
        return (urlsplit(address).hostname or "").lower()
    except ValueError:
        return ""


async def _read_body(receive):
    """The whole body, None when it is larger than an event may be."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > _LARGEST_EVENT:
            return None
        if not message.get("more_body", False):
            return body


def _replay(body, receive):
    """A receive() that hands out the body first and then what comes next."""
    waiting = [{"type": "http.request", "body": body or b"", "more_body": False}]

    async def receive_again():
        return waiting.pop() if waiting else await receive()

    return receive_again


async def _answer(send, status, sentence, *, headers):
    content = sentence.encode()
    ours = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*ours, *headers]})
    await send({"type": "http.response.body", "body": content})


def _with_headers(send, headers):
    async def send_with_headers(message):
        if message["type"] == "http.response.start":
            ours = {name for name, _value in headers}
            kept = [(name, value) for name, value in message["headers"] if name.lower() not in ours]
            message = {**message, "headers": [*kept, *headers]}
        await send(message)

    return send_with_headers
