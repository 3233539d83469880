"""The repository as a Hugging Face Space: started as the platform does, used through its proxy and inside its frame."""

import json

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.browser import platform_proxy
from tests.browser.camera_clip import write_film
from tests.browser.chromium import choose, chromium, open_page, wait_for_result
from tests.browser.live_page import figures, wait_for_frames
from tests.webui.page_client import Visitor
from tests.webui.pictures import encoded, scene
from tests.webui.space_process import HOST, running_space
from tests.webui.test_app_command import free_port
from webui.live_socket import BROWSER_PATH

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(platform_proxy.missing() is not None, reason=platform_proxy.missing() or ""),
]

HOME = f"https://{HOST}"
FRAME = f'<title>around</title><iframe src="{HOME}/" allow="camera" style="width: 1200px; height: 850px"></iframe>'


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    temporary = tmp_path_factory.mktemp("space")
    with running_space(free_port(), temporary) as running:
        yield running
    assert list(temporary.iterdir()) == []  # nothing of any visitor is kept
    assert "Traceback" not in running.output


@pytest.fixture(scope="module")
def browser(space, tmp_path_factory):
    folder = tmp_path_factory.mktemp("platform")
    with platform_proxy.platform_proxy(int(space.address.rsplit(":", 1)[1]), folder) as port:
        flags = [f"--host-resolver-rules=MAP {HOST} 127.0.0.1:{port}, MAP * ~NOTFOUND", "--ignore-certificate-errors"]
        flags += ["--disable-features=LocalNetworkAccessChecks"]  # the outer page would be a public one, ours is here
        with chromium(*flags, *write_film(folder / "film.mjpeg", 240, 320)) as started:
            yield started


def framed(browser, around):
    """(page, the Frame in it, what its console said) of a page at another address that shows the Space in a frame."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.route(f"{around}/**", lambda route: route.fulfill(content_type="text/html", body=FRAME))
    page.goto(f"{around}/spaces/someone/whetstone")
    return page, page.frames[1], said


def test_a_picture_is_sharpened_and_nobody_else_is_asked(browser):
    with open_page(browser, HOME) as (page, log):
        choose(page, {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": encoded(scene(120, 160), "JPEG")})
        wait_for_result(page, "a.jpg")
        words = page.locator("#page-header").inner_text()
        assert "the server of this page" in words and "this machine" not in words
        assert "launch.py" not in page.locator("#page-footer").inner_text()
        assert [url for url in log.requests if not url.startswith((HOME, "data:", "blob:"))] == []
        # Gradio's own script asks the platform about a page of that name; our policy keeps it from doing so
        assert [text for text in log.complaints if "huggingface.co/api/spaces/by-subdomain" not in text] == []


def test_in_the_frame_of_the_platform_the_visitors_camera_comes_back_sharp_and_the_servers_is_not_offered(browser):
    page, frame, _said = framed(browser, "https://huggingface.co")
    frame.get_by_role("tab", name="Live").click()
    frame.wait_for_selector("#live .live-start")
    frame.click("#live .live-start")
    wait_for_frames(frame)
    assert figures(frame)["size"] == "320 × 240"
    assert not frame.locator("#live input[value=host]").is_visible()
    page.context.close()


def test_another_site_may_not_show_it_in_a_frame(browser):
    page, frame, said = framed(browser, "https://evil.example")
    assert page.title() == "around" and not frame.url.startswith(HOME)
    assert any("frame-ancestors 'self' https://huggingface.co" in text for text in said), said
    page.context.close()


def live(space, origin, **headers):
    address = space.address.replace("http", "ws") + BROWSER_PATH
    return connect(address, origin=origin, additional_headers=headers, proxy=None)


def test_the_camera_connection_is_for_the_spaces_own_pages(space):
    with live(space, HOME) as socket:  # also where the proxy does not tell the name: SPACE_HOST does
        ready = json.loads(socket.recv())
    assert ready["type"] == "ready" and ready["max_pixels"] == 1280 * 720
    with pytest.raises(InvalidStatus) as refused:
        live(space, "https://evil.example").close()
    assert refused.value.response.status_code == 403
    with pytest.raises(InvalidStatus):
        live(space, "https://evil.hf.space", **{"x-forwarded-host": HOST}).close()


def test_nobody_reaches_a_camera_of_the_server(space):
    assert httpx.get(f"{space.address}/live/access", trust_env=False).json() == {"host": False}
    with pytest.raises(InvalidStatus) as refused:
        connect(space.address.replace("http", "ws") + "/live/host", proxy=None).close()
    assert refused.value.response.status_code == 401


def test_what_is_too_large_for_a_free_machine_is_refused(space):
    with Visitor(space.address) as visitor:
        answer = visitor.http.post("/gradio_api/upload", files={"files": ("large.png", bytes(31 * 2**20), "image/png")})
        assert answer.status_code == 413
        shown = visitor.bring((encoded(scene(4200, 6000, seed=1), "JPEG"), "poster.jpg"))
        assert "24 megapixels" in str(shown.values)
        visitor.leave()
