"""The running page over HTTP: pictures in and results out, nothing readable beside them, nothing left behind."""

import http.client
import io
import os
import re
import tempfile
import time
import urllib.parse
import zipfile
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.webui.contacts import WATCH, strangers
from tests.webui.page_client import Visitor
from tests.webui.page_process import running_page, tiny_mixture
from tests.webui.pictures import SVG, decoded, encoded, scene

pytestmark = pytest.mark.slow  # each module starts a real page


@pytest.fixture(scope="module")
def page():
    with running_page("--max-megapixels", "3", prelude=WATCH) as running:
        yield running


@pytest.fixture
def visitor(page):
    with Visitor(page.address) as someone:
        yield someone
        someone.leave()


def left_behind(page):
    """Files in the page's temporary folder beside its lock."""
    folders = os.walk(page.temporary)  # unlike rglob it bears that a folder goes while it looks
    return [os.path.join(folder, name) for folder, _, names in folders for name in names if name != "lock"]


def text_of(markup):
    return re.sub(r"<[^>]*>", " ", markup)


PNG = encoded(scene(40, 60), "PNG")


def test_a_picture_comes_back_sharp_in_its_format_size_and_name(visitor):
    shown = visitor.bring((encoded(scene(48, 64), "JPEG"), "holiday.jpg"))
    assert shown.success and "holiday.jpg" in shown.values["status"] and "64 × 48" in shown.values["status"]
    ready = visitor.event("drop", "upload", after="then")
    value = ready.values["download"]["value"]
    assert value["path"].endswith("/holiday-sharp.jpg")
    with Image.open(io.BytesIO(visitor.download(value))) as image:
        assert (image.format, image.size) == ("JPEG", (64, 48))


def test_strength_zero_comes_back_as_it_went(visitor):
    pixels = scene(33, 47)
    visitor.bring((encoded(pixels, "PNG"), "a.png"))
    visitor.event("strength", "change", {"strength": 0})
    ready = visitor.event("strength", "change", after="then")
    assert np.array_equal(decoded(visitor.download(ready.values["download"])), pixels)


@pytest.mark.parametrize(
    ("typed", "taken"), [(None, "100 %"), ("", "100 %"), (250, "200 %"), (-5, "0 %"), ("1e999", "200 %")]
)
def test_a_half_typed_strength_stops_no_picture_and_is_no_error(page, visitor, typed, taken):
    path = visitor.upload(PNG, "a.png")
    answer = visitor.event("drop", "upload", {"strength": typed}, {"files": [{"path": path, "name": "a.png"}]})
    assert answer.success and f" {taken}" in text_of(answer.values["status"])
    answer = visitor.event("strength", "change", {"strength": typed})
    assert answer.success and f" {taken}" in text_of(answer.values["status"])
    assert "Traceback" not in page.output


def test_what_a_visitor_sets_goes_before_what_was_measured_and_a_strange_number_is_no_error():
    with (
        tempfile.TemporaryDirectory() as folder,
        running_page("--model", tiny_mixture(folder)) as mixture,
        Visitor(mixture.address) as someone,
    ):
        first = someone.bring((PNG, "a.png"))
        offered = first.values["offered"]
        assert "Measured: blur" in first.values["status"] and offered["picture"] == 0
        names = ("blur", "noise", "compression", "upscaling")
        sliders = {f"measured-{name}": offered[name] for name in names}
        moved = {"offered": offered, **sliders, "measured-blur": 3.4}
        answer = someone.event("measured-blur", "input", moved)
        assert answer.success and "blur 3.4 px" in answer.values["status"]
        assert "(blur as you set it)" in answer.values["status"]
        answer = someone.event("as-measured", "click", moved)
        assert answer.success and "you set" not in answer.values["status"]
        for strange in (None, "", -1e300, 1e300, "2", "x" * 5000, [1], {"a": 1}, True, "nan"):
            answer = someone.event("measured-blur", "input", {**moved, "measured-blur": strange})
            assert answer.success and len(answer.values["status"]) < 600
        for strange in ("x", [], 7, {"picture": 0, "blur": {"a": []}}):
            assert someone.event("measured-blur", "input", {**moved, "offered": strange}).success
        assert "Traceback" not in mixture.output


def test_several_pictures_come_back_as_one_archive_and_the_broken_one_is_named(page, visitor):
    shown = visitor.bring((PNG, "a.png"), (PNG[:60], "broken.png"), (PNG, "b.png"))
    assert len(shown.values["chooser"]["choices"]) == 3
    done = visitor.event("run-all", "click")
    assert "broken.png" in done.values["report"] and "2 of 3" in text_of(done.values["report"])
    assert len(done.steps) >= 3 and "<progress" in done.steps[0]["report"]
    with zipfile.ZipFile(io.BytesIO(visitor.download(done.values["archive"]))) as archive:
        assert sorted(archive.namelist()) == ["a-sharp.png", "b-sharp.png"]
    assert "Warning" not in page.output


def png_header(width, height):
    """A PNG that claims a size and holds no pixels worth the name."""
    import struct
    import zlib

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "empty.jpg"),
        (b"only words", "text.png"),
        (SVG, "drawing.svg"),
        (SVG, "drawing.png"),
        (encoded(scene(90, 90), "JPEG")[:1000], "cut.jpg"),
        (png_header(50_000, 50_000), "bomb.png"),
        (encoded(scene(2000, 1501, 0), "PNG"), "over-the-limit.png"),
        (encoded(scene(9, 9), "GIF"), "moving.gif"),
    ],
)
def test_what_is_no_picture_gives_one_clear_line(page, visitor, content, name):
    answer = visitor.bring((content, name))
    line = answer.values["status"]
    assert answer.success and 'class="bad"' in line and name in line and line.count("<p") == 1
    assert "Traceback" not in page.output


@pytest.mark.parametrize(
    "name",
    ["../../x.png", "photo\u202egnp.png", "x" * 300 + ".png", '<img src=x onerror="alert(1)">.png', "{{x}}${y}.png"],
)
def test_a_nasty_name_is_shown_harmlessly_and_makes_a_harmless_file(page, visitor, name):
    shown = visitor.bring((PNG, name))
    assert shown.success, shown.values
    status = shown.values["status"]
    assert "<img" not in status and "\u202e" not in status and "{" not in status and "$" not in status
    path = visitor.event("drop", "upload", after="then").values["download"]["value"]["path"]
    assert path.startswith(str(page.temporary)) and len(path.rsplit("/", 1)[1]) <= 140
    assert decoded(visitor.download({"path": path})).shape == (40, 60, 3)


def test_the_event_names_that_the_page_made_up_are_not_an_interface(visitor):
    assert visitor.http.get("/gradio_api/info").status_code == 404
    for number in range(4):
        body = {"data": [], "fn_index": number, "session_hash": "x"}
        assert visitor.http.post("/gradio_api/run/predict", json=body).status_code == 404
    assert all(event["api_visibility"] == "private" for event in visitor.config["dependencies"])


def attacks(page, original):
    """Addresses with which others have read files through Gradio (its CVEs of 2021 to 2026), here for ours."""
    targets = ["/etc/passwd", original, f"{page.temporary}/../tiny.json", "launch.py", "assets/models"]
    for target in targets:
        quoted = urllib.parse.quote(target, safe="")
        double = urllib.parse.quote(quoted, safe="")
        yield from (f"/gradio_api/file={form}" for form in (target, quoted, double, f"/{target}", f"./{target}"))
        yield f"/gradio_api/file/{target}"
        yield f"/file={target}"
        yield f"/static/../../../../../../..{target}"
        yield f"/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e{target}"
        yield f"/assets/..%2f..%2f..%2f..%2f..%2f..{target}"
        yield f"/assets/{quoted}"
        yield f"/svelte/..%5c..%5c{quoted}"
        yield f"/theme.css/../{target}"
        yield f"/gradio_api/file=file://{target}"
        yield f"/gradio_api/proxy=file://{target}"
    yield "/gradio_api/file=http://127.0.0.1:1/x.png"
    yield "/gradio_api/file=https://example.org/"
    yield "/?deep_link=../../../../etc/passwd"
    yield "/config?deep_link=..%2f..%2fstate"


def test_no_file_beside_a_visitors_own_results_can_be_read(page, visitor):
    visitor.bring((PNG, "a.png"))
    originals = [path for path in page.temporary.rglob("originals/*/*") if path.is_file()]  # of those just gone, too
    original = next(path for path in originals if path.read_bytes() == PNG)
    for address in attacks(page, str(original)):
        answer = visitor.http.get(address)
        is_page = answer.text.startswith(("<!doctype html>", '{"version"'))
        assert answer.status_code >= 400 or is_page, f"{address}: {answer.status_code} {answer.content[:80]!r}"
        assert b"root:" not in answer.content and PNG not in answer.content and b'"parameters"' not in answer.content


@pytest.mark.parametrize("path", ["/etc/passwd", "launch.py", "http://127.0.0.1:1/a.png", "https://example.org/a.png"])
def test_an_event_cannot_name_a_file_of_this_machine_or_an_address(page, visitor, path):
    before = left_behind(page)
    answer = visitor.event("drop", "upload", {}, {"files": [{"path": path, "name": "a.png"}]})
    assert answer.values["refused"].startswith("403")
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    assert visitor.event("strength", "change", {"strength": file}).values["refused"].startswith("403")
    assert left_behind(page) == before


@pytest.mark.parametrize(
    ("elem_id", "event", "changed", "data"),
    [
        ("strength", "change", {"strength": "much"}, None),
        ("strength", "change", {"strength": [100]}, None),
        ("strength", "change", {"model": "/etc/passwd"}, None),
        ("strength", "change", {"chooser": 99}, None),
        ("strength", "change", {"chooser": "<b>0</b>" * 99}, None),
        ("strength", "change", {"chooser": [{"a": 0}]}, None),
        ("strength", "change", {"view": "everything"}, None),
        ("drop", "upload", {}, None),
        ("drop", "upload", {}, {"files": "all"}),
        ("drop", "upload", {}, {"files": []}),
        ("samples", "select", {}, {"index": 10_000}),
        ("samples", "select", {}, {"index": "0"}),
    ],
)
def test_made_up_values_give_a_line_and_no_harm(page, visitor, elem_id, event, changed, data):
    visitor.bring((PNG, "a.png"))
    answer = visitor.event(elem_id, event, changed, data)
    if answer.success:  # where Gradio itself refuses the value there is no line
        assert 'class="bad"' in answer.values["status"]
    assert visitor.bring((PNG, "still-works.png")).success
    # our own callbacks never raise; Gradio's check of a value may say what it refused
    assert "webui/" not in page.output.replace("webui/commands", "")


def test_a_visitor_who_leaves_takes_everything_along(page):
    with Visitor(page.address) as someone:
        someone.bring((PNG, "a.png"), (PNG, "b.png"))
        someone.event("drop", "upload", after="then")
        someone.event("run-all", "click")
        assert len(left_behind(page)) >= 5
        someone.leave()
    ends_at = time.monotonic() + 30  # seconds; a broken connection may come back for six of them
    while left_behind(page) and time.monotonic() < ends_at:
        time.sleep(0.1)
    assert left_behind(page) == []


def test_visitors_do_not_see_each_others_pictures(page):
    with Visitor(page.address) as anna, Visitor(page.address) as bert:
        anna.bring((PNG, "secret.png"))
        answer = bert.event("strength", "change", {"chooser": None})
        assert "secret" not in str(answer.values) and 'class="bad"' in answer.values["status"]
        anna.leave()


def test_a_connection_that_was_idle_for_a_while_is_not_closed_under_the_next_request(page):
    """httpx and many proxies keep one for 5 seconds: a server that does so, too, resets some of them in use."""
    host, port = page.address.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    connection.connect()
    connection.auto_open = 0  # no new connection behind our back
    for pause_s in (0, 6.5):
        time.sleep(pause_s)
        connection.request("GET", "/")
        assert connection.getresponse().read()
    connection.close()


def test_a_page_that_the_server_no_longer_knows_is_told_what_to_do(page):
    with Visitor(page.address) as someone:  # as after a restart, or a night with the lid closed
        for elem_id, where in (("strength", "status"), ("run-all", "report")):
            answer = someone.event(elem_id, {"status": "change", "report": "click"}[where], {"chooser": 2})
            assert answer.success and "bring it again" in answer.values[where]


def test_several_visitors_at_once_each_get_their_own_picture(page):
    def visit(number):
        pixels = scene(50 + number, 70, seed=number)
        with Visitor(page.address) as someone:
            someone.bring((encoded(pixels, "PNG"), f"{number}.png"))
            someone.event("strength", "change", {"strength": 0})
            result = decoded(someone.download(someone.event("strength", "change", after="then").values["download"]))
            someone.leave()
        return np.array_equal(result, pixels)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(visit, range(16)))


def test_an_upload_over_the_limit_is_refused_while_it_comes(page, visitor):
    limit = visitor.config["max_file_size"]
    assert limit and limit <= 2**28

    def too_much():
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
        for _ in range(limit // 2**20 + 2):
            yield b"\0" * 2**20
        yield b"\r\n--x--\r\n"

    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = visitor.http.post("/gradio_api/upload", content=too_much(), headers=kind)
    assert answer.status_code == 413


def test_the_page_speaks_for_itself(visitor):
    assert visitor.config["title"] == "Whetstone"
    icon = visitor.http.get("/favicon.ico")
    assert icon.headers["content-type"] == "image/png" and len(icon.content) > 200
    assert visitor.http.get("/whetstone.json").json()["name"] == "Whetstone"


def test_another_web_site_cannot_use_the_page(page):
    evil = {"origin": "https://evil.example"}
    files = {"files": ("a.png", PNG)}
    assert (
        httpx.post(f"{page.address}/gradio_api/upload", files=files, headers=evil, trust_env=False).status_code == 403
    )
    rebound = {"host": "evil.example:7860"}
    assert httpx.get(f"{page.address}/config", headers=rebound, trust_env=False).status_code == 421
    answer = httpx.get(f"{page.address}/config", headers=evil, trust_env=False)
    assert "access-control-allow-origin" not in answer.headers


def test_the_server_contacts_nobody_but_itself(page):
    assert strangers(page.output) == []


def test_behind_a_proxy_the_page_knows_its_public_path():
    with running_page("--root-path", "/sharp") as behind, Visitor(behind.address) as visitor:
        visitor.http.headers["x-forwarded-host"] = "studio.example"
        visitor.http.headers["x-forwarded-proto"] = "https"
        assert visitor.config["root"] == "https://studio.example/sharp"


def test_with_a_password_nothing_is_seen_before_the_login():
    with running_page("--auth", "anna:right") as guarded, Visitor(guarded.address) as stranger:
        assert stranger.http.get("/config").status_code == 401
        assert stranger.http.post("/gradio_api/upload", files={"files": ("a.png", PNG)}).status_code == 401
        assert stranger.http.get("/gradio_api/queue/data", params={"session_hash": "x"}).status_code == 401
        assert '"components":[]' in stranger.http.get("/").text
        started = time.monotonic()
        wrong = {"username": "anna", "password": "wrong"}
        assert stranger.http.post("/login", data=wrong).status_code == 400
        assert time.monotonic() - started > 0.9  # guessing is slow
        assert stranger.http.post("/login", data={"username": "anna", "password": "right"}).status_code == 200
        stranger._config = None
        assert stranger.bring((PNG, "a.png")).success
        stranger.leave()
