"""The door lets through what the page needs and nothing else. The application behind it is a plain ASGI function."""

import asyncio
import json

import pytest

from webui.door import Door

OWN = "/tmp/served/abc/photo.jpg"


def knock(method="GET", path="/", headers=None, body=b"", *, local_only=True, public_hosts=(), frames=()):
    """(status, headers, what the application saw) of one request."""
    seen, sent = [], []

    async def application(scope, receive, send):
        message = await receive()
        seen.append(message["body"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-mine", b"1")]})
        await send({"type": "http.response.body", "body": b"in"})

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    allowed = {"local_only": local_only, "public_hosts": public_hosts, "frames": frames}
    door = Door(application, owns_served=lambda p: p == OWN, **allowed)
    given = {"host": "127.0.0.1:7860", **(headers or {})}
    raw = [(name.encode(), value.encode()) for name, value in given.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": raw}
    asyncio.run(door(scope, receive, send))
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}, seen


@pytest.mark.parametrize("path", ["/", "/config", "/assets/index.js", "/theme.css", f"/gradio_api/file={OWN}"])
def test_what_the_page_needs_is_let_in(path):
    assert knock(path=path)[0] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/gradio_api/file=/etc/passwd"),
        ("GET", f"/gradio_api/file={OWN}/../../../etc/passwd"),
        ("GET", "/gradio_api/file=http://example.org/x.png"),
        ("GET", "/gradio_api/file=//example.org/x.png"),
        ("GET", f"/gradio_api/file/{OWN}"),
        ("GET", "/gradio_api/proxy=https://example.hf.space/x"),
        ("GET", "/gradio_api/info"),
        ("GET", "/gradio_api/openapi.json"),
        ("GET", "/gradio_api/runs"),
        ("GET", "/gradio_api/deep_link"),
        ("GET", "/gradio_api/vibe-code"),
        ("POST", "/gradio_api/vibe-edit"),
        ("POST", "/gradio_api/run/predict"),
        ("POST", "/gradio_api/api/predict"),
        ("POST", "/gradio_api/call/predict"),
        ("POST", "/gradio_api/component_server"),
        ("POST", "/gradio_api/process_recording"),
        ("GET", "/monitoring"),
        ("GET", "/monitoring/summary"),
        ("GET", "/docs"),
        ("GET", "/pwa_icon"),
        ("PUT", "/"),
        ("DELETE", "/gradio_api/upload"),
        ("GET", "/gradio_api/custom_component/a/client/b/c"),
    ],
)
def test_everything_else_is_refused_before_the_application_sees_it(method, path):
    status, _headers, seen = knock(method, path)
    assert status in (403, 404) and seen == []


@pytest.mark.parametrize("host", ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", "", "["])
def test_a_name_that_someone_else_points_at_this_machine_is_refused(host):
    # DNS rebinding: a web site's own name resolves to 127.0.0.1, and the browser takes our page for that site's
    assert knock(headers={"host": host})[0] == 421


@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1", "[::1]:7860", "LOCALHOST"])
def test_this_machines_own_names_are_right(host):
    assert knock(headers={"host": host})[0] == 200


def test_a_page_for_others_answers_to_any_name():
    assert knock(headers={"host": "studio.lan:7860"}, local_only=False)[0] == 200


def test_another_web_site_may_not_post():
    request = {"method": "POST", "path": "/gradio_api/upload"}
    assert knock(**request, headers={"origin": "https://evil.example"})[0] == 403
    assert knock(**request, headers={"origin": "null"})[0] == 403
    assert knock(**request, headers={"origin": "http://127.0.0.1:7860"})[0] == 200
    assert knock(**request, headers={"origin": "http://localhost:7860"})[0] == 200
    assert knock(**request)[0] == 200  # not a browser


def test_behind_a_proxy_its_public_name_may_post():
    request = {"method": "POST", "path": "/gradio_api/upload", "local_only": False}
    origin = {"origin": "https://sharp.example"}
    assert knock(**request, headers=origin)[0] == 403
    assert knock(**request, headers={**origin, "x-forwarded-host": "sharp.example"})[0] == 200
    assert knock(**request, headers=origin, public_hosts=["sharp.example"])[0] == 200


def event(**data):
    return json.dumps({"fn_index": 0, "session_hash": "x", **data}).encode()


def test_an_event_reaches_the_application_unchanged():
    body = event(data=[1, "text"], event_data={"files": [{"path": OWN, "name": "a"}]})
    assert knock("POST", "/gradio_api/queue/join", body=body)[::2] == (200, [body])


@pytest.mark.parametrize(
    "body",
    [
        event(event_data={"files": [{"path": "/etc/passwd"}]}),
        event(data=[{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}]),
        event(data=[[[{"deep": [{"path": "http://example.org/x"}]}]]]),
        event(data=[{"path": ["/etc/passwd"]}]),
        b"{not json",
        b"[" * 100_000,
        b" " * (2**20 + 1),
    ],
    ids=["event data", "input", "address, deep", "list", "no JSON", "nested", "large"],
)
def test_an_event_that_names_a_file_of_this_machine_is_refused(body):
    status, _headers, seen = knock("POST", "/gradio_api/queue/join", body=body)
    assert 400 <= status < 500 and seen == []


@pytest.mark.parametrize("path", ["/", "/nowhere", f"/gradio_api/file={OWN}"])
def test_every_answer_keeps_the_browser_at_home(path):
    _status, headers, _seen = knock(path=path)
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy and "http" not in policy and "*" not in policy
    assert headers["referrer-policy"] == "no-referrer" and headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/nowhere"])
def test_a_frame_of_another_site_shows_the_page_where_that_is_allowed_alone(path):
    def ancestors(**options):
        return knock(path=path, **options)[1]["content-security-policy"].rpartition("frame-ancestors")[2].split()

    assert ancestors() == ["'self'"]
    assert ancestors(frames=["https://huggingface.co"]) == ["'self'", "https://huggingface.co"]


def test_pictures_are_not_kept_in_the_browsers_cache():
    assert "no-store" in knock(path=f"/gradio_api/file={OWN}")[1]["cache-control"]
