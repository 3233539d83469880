"""The one door in front of the page's server: what is not needed is refused before Gradio sees it.

Gradio offers more than this page uses (an API, a proxy, fetching of addresses, recording, monitoring); and a mounted
Gradio app does not check where a file named in an event lies. So: a list of the paths that the page needs, a check of
the host and the origin (a web site that a visitor has open must not be able to talk to this machine's page), a check of
every file that an event names, and headers that keep the browser from contacting anyone else.
"""

import asyncio
import json
from urllib.parse import urlsplit

from webui.server import ABOUT_PATH
from webui.static_page import ISOLATION
from webui.turnstile import address_of
from webui.upload_door import pass_upload

API = "/gradio_api"
ACCESS_PATH = "/live/access"  # tells the page whether this visitor may use this machine's camera
HERE_PATH = "/here/"  # the page that sharpens in the visitor's own browser
_HEARTBEAT = f"{API}/heartbeat/"  # a connection that lasts as long as the page is open
_LOGOUT = "/logout"
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
        _LOGOUT,
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
    (b"cross-origin-resource-policy", b"same-origin"),
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
    *{**dict(_HEADERS), **{name.lower().encode(): value.encode() for name, value in ISOLATION.items()}}.items(),
]
_NOT_KEPT = (b"cache-control", b"private, no-store")  # no picture stays in the browser's cache


class Door:
    """ASGI middleware around the whole server."""

    def __init__(
        self,
        app,
        *,
        owns_served,
        local_only,
        public_hosts=(),
        frames=(),
        presence=None,
        may_enter=None,
        turnstile=None,
        behind_proxy=False,
        take_in=None,
    ):
        """owns_served(path): whether a file may be read by a visitor. local_only: the server listens on this machine
        alone, so that only this machine's names are right in the Host header. public_hosts: more names (a proxy's).
        frames: origins whose pages may show this one in a frame. presence: told (arrive, depart) which visitors have
        the page open. may_enter(scope), awaited: whether that is a visitor who has logged in where a login is asked.
        turnstile: a Turnstile, how much one may ask; behind_proxy: as of address_of.
        take_in: as of pass_upload."""
        self.app = app
        self._turnstile, self._behind_proxy, self._take_in = turnstile, behind_proxy, take_in
        self._may_enter = may_enter
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
            refusal = refusal or await self._hold_event(scope, body)
        if refusal is not None:
            await _answer(send, *refusal, headers=self._headers, as_json=refusal[0] == 429)
            return
        if self._turnstile is not None and scope["method"] == "POST" and scope["path"] == f"{API}/upload":
            address, inner = address_of(scope, self._behind_proxy), _with_headers(send, self._headers)
            refusal = await pass_upload(
                self.app, scope, receive, inner, turnstile=self._turnstile, address=address, take_in=self._take_in
            )
            if refusal is not None:
                await _answer(send, *refusal, headers=self._headers)
            return
        send = _with_headers(send, self._headers_of(scope["path"]))
        if self._presence is None or not scope["path"].startswith(_HEARTBEAT):
            await self.app(scope, receive, send)
            return
        if self._may_enter is not None and not await self._may_enter(scope):  # Gradio does not ask
            await _answer(send, 401, "Log in first, then reload the page.", headers=self._headers)
            return
        visitor = scope["path"][len(_HEARTBEAT) :]
        self._presence.arrive(visitor)
        try:
            await self.app(scope, receive, send)
        finally:
            self._presence.depart(visitor)

    async def _hold_event(self, scope, body):
        """Wait while this visitor asks a little too fast; (status, sentence) when it is far too fast, else None."""
        if self._turnstile is None:
            return None
        event = json.loads(body)
        session = event.get("session_hash") if isinstance(event, dict) else None
        wait_s, refusal = self._turnstile.event(address_of(scope, self._behind_proxy), session)
        await asyncio.sleep(wait_s)
        return (429, refusal) if refusal else None

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
        if _from_another_site(headers, scope["path"]):
            return 403, "Another web site may not use this page."
        if scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD"):
            origin = headers.get("origin")
            if origin is not None:
                forwarded = headers.get("x-forwarded-host", "").split(",")[0].strip()
                own = {host, _host_name(f"//{forwarded}"), *self._public_hosts} - {""}
                name = _host_name(origin)
                local = name in _LOCAL_HOSTS and host in _LOCAL_HOSTS
                if name not in own and not local:
                    return 403, "Another web site may not use this page."
                # nor may a page that another program of this machine serves
                if local and _port(origin) != _port(f"//{headers.get('host', '')}"):
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


def _from_another_site(headers, path):
    """Whether a browser says that another site asks. A link or a frame of another site may lead here, not log out."""
    if headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
        return False
    return headers.get("sec-fetch-mode") != "navigate" or path.rstrip("/") == _LOGOUT


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


async def _answer(send, status, sentence, *, headers, as_json=False):
    """as_json: as Gradio's page takes it to show the sentence."""
    content = json.dumps({"detail": sentence}).encode() if as_json else sentence.encode()
    kind = b"application/json" if as_json else b"text/plain; charset=utf-8"
    ours = [(b"content-type", kind), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*ours, *headers]})
    await send({"type": "http.response.body", "body": content})


def _with_headers(send, headers):
    """A send() that adds them and takes out what Gradio lets other sites in with: CORS, cookies that travel along."""
    ours = {name for name, _value in headers}

    async def send_with_headers(message):
        if message["type"] == "http.response.start":
            kept = [
                (name, value.replace(b"SameSite=none", b"SameSite=lax") if name.lower() == b"set-cookie" else value)
                for name, value in message["headers"]
                if name.lower() not in ours and not name.lower().startswith(b"access-control-")
            ]
            message = {**message, "headers": [*kept, *headers]}
        await send(message)

    return send_with_headers
