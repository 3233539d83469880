"""What stands before the study's server: who may ask from where, and headers on everything that leaves it."""

from urllib.parse import urlsplit

_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
LARGEST_BODY = 16 * 1024  # bytes of JSON; nobody sends files

# Nothing inline, nothing from or to another machine; pictures come by fetch and are shown from memory (blob:).
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),  # the address of a page is the volunteer's key
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), usb=()"),
    (b"cache-control", b"no-store"),
]


class StudyGuard:
    """ASGI middleware around the whole server of a study."""

    def __init__(self, app, *, local_only, public_url=""):
        """local_only: it listens on this machine alone. public_url: the address that volunteers see, "" for none."""
        self._app = app
        self._local_only = local_only
        self._public = urlsplit(public_url).netloc.lower()

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope["method"], headers)
        if refusal is not None:
            await _answer(send, *refusal)
            return
        await self._app(scope, receive, _with_headers(send))

    def _refusal(self, method, headers):
        """(status, sentence) for what does not belong here, else None."""
        host = headers.get("host", "").lower()
        if self._local_only and _name(host) not in _LOCAL_HOSTS and host not in {self._public} - {""}:
            return 421, "This study answers under its own address only."
        origin = headers.get("origin")
        if origin is not None and _host_of(origin) not in {host, self._public} - {""}:
            return 403, "Another web site may not use this study."
        if method == "POST":
            length = headers.get("content-length", "")
            if not length.isdigit() or int(length) > LARGEST_BODY:
                return 413, "An answer is short, and says how long it is."
            if headers.get("content-type", "").split(";")[0].strip() != "application/json":
                return 415, "An answer is JSON."
        elif method not in ("GET", "HEAD"):
            return 405, "This study knows GET and POST."
        return None


def _host_of(origin):
    """Host and port of an Origin header, "" where it has none ("null")."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _name(host):
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


async def _answer(send, status, sentence):
    content = sentence.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *HEADERS]})
    await send({"type": "http.response.body", "body": content})


def _with_headers(send):
    async def send_with_headers(message):
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *HEADERS]}
        await send(message)

    return send_with_headers
