"""Who may come in by a WebSocket, which Gradio does not guard: the logged in; and who may use this machine's camera.

The Door has checked the host and the origin before.
"""

from webui.door import API

_LOOPBACK = ("127.", "::1", "::ffff:127.")
_FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip")


class Guard:
    """app: the ASGI application that Gradio is in; asks_login: whether the page was started with a password.

    local_only: no other machine can reach the server, neither directly nor through a proxy.
    """

    def __init__(self, app, *, asks_login, local_only):
        self._app, self._asks_login, self._local_only = app, asks_login, local_only

    async def may_enter(self, scope):
        """Whether this visitor may see the page."""
        return not self._asks_login or await self._is_logged_in(scope)

    async def may_use_host(self, scope):
        """Whether this visitor may open this machine's camera: logged in, or at this machine."""
        if self._asks_login:
            return await self._is_logged_in(scope)
        names = {name.lower() for name, _value in scope["headers"]}
        client = (scope.get("client") or ("", 0))[0]
        return self._local_only and client.startswith(_LOOPBACK) and not names.intersection(_FORWARDED)

    async def _is_logged_in(self, scope):
        """Gradio itself is asked, with the visitor's cookies."""
        kept = [(name, value) for name, value in scope["headers"] if name.lower() in (b"cookie", b"host")]
        path = f"{API}/login_check"
        question = {
            **{key: scope[key] for key in ("asgi", "client", "server", "state") if key in scope},
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": kept,
        }
        statuses = []

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        await self._app(question, receive, send)
        return statuses == [200]
