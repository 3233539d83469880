"""The page in the visitor's own browser gives what the engine gives: written by its command, served by a plain host."""

import base64
import io
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from engine import Sharpener
from engine.degradation import TYPICAL, Degradation
from tests.browser.chromium import FLAGS, chromium_path
from tests.browser.here_page import bring, canvas, figures, line, png, set_strength, wait_for_result

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SAMPLES = Path(__file__).resolve().parents[2] / "assets" / "samples"
SOFT = cv2.GaussianBlur(data.astronaut(), (0, 0), 1.4)
PICTURE = np.ascontiguousarray(SOFT[:301, 90:425])  # odd sizes, no multiples of the stride
OTHER = Degradation(blur=0.6, noise=3.0, compression=6.0, upscaling=1.0)

# The page's own modules, told degradations: what they add to pictures. cases: [vector, strength, height, width, RGBA].
SHARPENED = """async ([backend, name, precision, cases]) => {
    const { loadRuntime } = await import("./runtime.js");
    const { Student } = await import("./student.js");
    const { addResidual } = await import("./pixels.js");
    const { ort } = await loadRuntime(backend);
    const list = await (await fetch("./models/students.json")).json();
    const student = await Student.open(ort, list.students.find((one) => one.name === name), backend, precision);
    const given = [];
    for (const [vector, strength, height, width, rgba] of cases) {
        await student.become(vector);
        const pixels = Uint8ClampedArray.from(atob(rgba), (letter) => letter.charCodeAt(0));
        const sharp = new Uint8ClampedArray(pixels.length);
        addResidual(pixels, sharp, width, height, await student.residual(pixels, width, height), strength);
        given.push(btoa(Array.from(sharp, (level) => String.fromCharCode(level)).join("")));
    }
    await student.close();
    return given;
}"""


def sharpened(page, backend, name, precision, cases):
    """[(H, W, 3) uint8, ...] by the page's modules. cases: [(degradation, strength, pixels), ...]."""
    told = []
    for degradation, strength, pixels in cases:
        rgba = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
        told.append([degradation.vector(), strength, *pixels.shape[:2], base64.b64encode(rgba.tobytes()).decode()])
    given = page.evaluate(SHARPENED, [backend, name, precision, told])
    return [
        np.frombuffer(base64.b64decode(one), np.uint8).reshape(*case[2].shape[:2], 4)[:, :, :3]
        for one, case in zip(given, cases)
    ]


def check_parity(found, expected, precision):
    """Within a level of each other; in 8 bits an activation may go to either of two levels, on almost no pixel."""
    apart = np.abs(found.astype(int) - expected)
    further = 0 if precision == "float32" else 1e-3
    assert np.mean(apart > 1) <= further and np.mean(apart > 0) < 0.1, (apart.max(), np.mean(apart > 0))


@pytest.mark.parametrize("precision", ["float32", "int8"])
@pytest.mark.parametrize("student", ["nano", "small"])
def test_for_the_same_degradation_the_pixels_are_the_engines(visit_here, student, precision):
    page = visit_here("backend=wasm", ready=False)
    sizes = (1.0, PICTURE), (1.5, PICTURE), (1.0, PICTURE[:1, :1]), (2.0, PICTURE[:7, :30])
    cases = [(degradation, *case) for degradation in (TYPICAL, OTHER) for case in sizes]
    for (degradation, strength, pixels), found in zip(cases, sharpened(page, "wasm", student, precision, cases)):
        with Sharpener(student, precision=precision, degradation=degradation) as sharpener:
            expected = sharpener(pixels, strength)
        check_parity(found, expected, precision)
        assert pixels.size < 1000 or np.abs(expected.astype(int) - pixels).mean() > 0.5  # there was something to do


@pytest.mark.parametrize("student", ["nano", "small"])
def test_a_real_picture_is_measured_and_sharpened_as_by_the_engine(visit_here, student):
    path = next(path for path in sorted(SAMPLES.iterdir()) if path.suffix in (".jpg", ".jpeg", ".png"))
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    page = visit_here(f"backend=wasm&student={student}")
    bring(page, png(pixels))
    with Sharpener(student, precision="int8") as sharpener:
        measured, expected = sharpener.measure(pixels), sharpener(pixels)
    assert figures(page)["measured"] == measured.words
    assert figures(page)["computed by"].endswith(", int8") and page.evaluate("crossOriginIsolated")
    check_parity(canvas(page), expected, "int8")
    assert np.abs(expected.astype(int) - pixels).mean() > 0.5


def test_a_picture_that_is_brought_before_the_students_are_there_waits_for_them(visit_here):
    page, held = visit_here("backend=wasm&student=nano", ready=False), []
    page.route("**/students.json", lambda route: route.continue_() if held else held.append(route))
    page.reload()
    page.set_input_files("#files", {"name": "a.png", "mimeType": "image/png", "buffer": png(PICTURE)})
    page.wait_for_selector("#picture[aria-busy=true]")
    assert held and page.is_disabled("#download")
    held[0].continue_()
    wait_for_result(page)
    assert np.abs(canvas(page).astype(int) - PICTURE).mean() > 0.5
    assert "bad" not in (page.get_attribute("#line", "class") or "")


def test_a_picture_in_tiles_has_no_seams(visit_here):
    large = np.tile(SOFT, (5, 5, 1))[:2100, :2050]  # above four megapixels
    page = visit_here("backend=wasm&student=nano&precision=float32")
    bring(page, png(large))
    with Sharpener("nano", precision="float32") as sharpener:
        check_parity(canvas(page), sharpener(large), "float32")


def test_strength_0_is_the_input_and_bypass_shows_it(visit_here):
    page = visit_here("backend=wasm&student=nano")
    bring(page, png(PICTURE))
    sharp = canvas(page)
    assert np.mean(sharp != PICTURE) > 0.3
    set_strength(page, 0)
    np.testing.assert_array_equal(canvas(page), PICTURE)
    set_strength(page, 100)
    np.testing.assert_array_equal(canvas(page), sharp)
    page.keyboard.press("b")
    np.testing.assert_array_equal(canvas(page), PICTURE)
    assert page.get_attribute("#picture", "data-state") == "untouched"
    page.keyboard.press("b")
    np.testing.assert_array_equal(canvas(page), sharp)
    np.testing.assert_array_equal(canvas(page, "input"), PICTURE)


def test_another_student_and_the_newest_picture_win(visit_here):
    page = visit_here("backend=wasm&student=nano")
    bring(page, png(PICTURE))
    by_nano = canvas(page)
    page.select_option("#student", "small")
    wait_for_result(page)
    with Sharpener("small", precision="int8") as sharpener:
        check_parity(canvas(page), sharpener(PICTURE), "int8")
    assert np.mean(canvas(page) != by_nano) > 0.05
    for content, name in ((png(PICTURE), "one.png"), (png(np.ascontiguousarray(SOFT[:40, :50])), "two.png")):
        page.set_input_files("#files", {"name": name, "mimeType": "image/png", "buffer": content})
    page.wait_for_function("() => document.querySelector('#picture .result').width === 50")
    wait_for_result(page)
    assert canvas(page).shape == (40, 50, 3) and np.mean(canvas(page) != SOFT[:40, :50]) > 0.1


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_a_picture_may_be_dropped_or_pasted(visit_here, way):
    page = visit_here("backend=wasm&student=nano")
    content = list(png(PICTURE))
    page.evaluate(
        """([way, content]) => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(content)], "brought.png", { type: "image/png" }));
            const bubbling = { bubbles: true, cancelable: true };
            const event = way === "drop" ? new DragEvent("drop", { dataTransfer: files, ...bubbling })
                : new ClipboardEvent("paste", { clipboardData: files, ...bubbling });
            document.body.dispatchEvent(event);
        }""",
        [way, content],
    )
    wait_for_result(page)
    np.testing.assert_array_equal(canvas(page, "input"), PICTURE)
    assert np.mean(canvas(page) != PICTURE) > 0.3


def test_the_download_is_what_is_on_the_screen(visit_here):
    page = visit_here("backend=wasm&student=nano", accept_downloads=True)
    bring(page, png(PICTURE), "holiday.2026.png")
    for kind, ending in (("png", ".png"), ("jpeg", ".jpg")):
        page.select_option("#kind", kind)
        with page.expect_download() as waiting:
            page.click("#download")
        assert waiting.value.suggested_filename == f"holiday.2026-sharp{ending}"
        with Image.open(io.BytesIO(Path(waiting.value.path()).read_bytes())) as image:
            found = np.asarray(image.convert("RGB")).astype(int)
        apart = np.abs(found - canvas(page))
        assert apart.max() == 0 if kind == "png" else 0 < apart.mean() < 3


def test_the_divider_moves_by_mouse_and_keyboard(visit_here):
    page = visit_here("backend=wasm&student=nano")
    bring(page, png(PICTURE))
    divider = page.get_by_role("slider", name="Split")
    box = page.locator("#picture").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 40)
    page.mouse.up()
    assert divider.get_attribute("aria-valuenow") == "25"
    for key, expected in (("ArrowRight", "27"), ("Shift+ArrowLeft", "17"), ("Home", "0"), ("End", "100")):
        page.keyboard.press(key)  # the divider has the focus since it was dragged
        assert divider.get_attribute("aria-valuenow") == expected


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_and_everything_has_a_name_and_can_be_reached(visit_here, width, scheme):
    page = visit_here("backend=wasm&student=nano", viewport={"width": width, "height": 800}, color_scheme=scheme)
    bring(page, png(PICTURE))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    names = page.evaluate(
        """() => [...document.querySelectorAll("button, select, input, [role=slider], video, canvas")]
            .filter((one) => !(one.labels?.[0]?.innerText || one.getAttribute("aria-label") || one.innerText.trim()))
            .map((one) => one.id)"""
    )
    assert names == []
    reached = set()
    for _ in range(20):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.className"))
    wanted = "files divider start strength student size backend bypass call kind download"
    assert set(wanted.split()) <= reached


def test_bad_pictures_are_refused_in_one_line(visit_here):
    page = visit_here("backend=wasm&student=nano")
    huge = io.BytesIO()
    Image.new("1", (6400, 6400)).save(huge, "PNG")
    for content, name, words in (
        (b"no picture at all", "notes.jpg", "notes.jpg could not be read as a picture"),
        (png(PICTURE)[:2000], "half.png", "half.png could not be read"),
        (huge.getvalue(), "huge.png", "huge.png has 41 megapixels, the limit is 40"),
    ):
        page.set_input_files("#files", {"name": name, "mimeType": "image/png", "buffer": content})
        assert "\n" not in line(page, words)
    bring(page, png(PICTURE))  # and the page goes on
    assert np.mean(canvas(page) != PICTURE) > 0.3


def test_a_browser_without_simd_is_told(visit_here):
    page = visit_here("backend=wasm&student=nano")
    told = page.evaluate(
        """async () => {
            const { loadRuntime } = await import("./runtime.js");
            WebAssembly.validate = () => false;
            return loadRuntime("wasm").then(() => "loaded", (problem) => `${problem.name}: ${problem.message}`);
        }"""
    )
    assert re.fullmatch(r"Problem: This browser has no WebAssembly SIMD.*Update it.*", told)


def test_webgpu_computes_the_same_on_a_tiny_picture(browser, address):
    """By SwiftShader, Chromium's own Vulkan on the processor."""
    flags = [flag for flag in FLAGS if flag != "--disable-gpu"]
    flags += ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]
    started = browser.browser_type.launch(executable_path=chromium_path(), args=flags, headless=True)
    try:
        page = started.new_page()
        page.goto(f"{address}?backend=webgpu&student=nano")
        if not page.evaluate("async () => Boolean(await navigator.gpu?.requestAdapter())"):
            pytest.skip("[browser] this Chromium offers no WebGPU, not even by SwiftShader")
        pixels = PICTURE[60:92, 100:148]
        with Sharpener("nano", precision="float32", degradation=TYPICAL) as sharpener:
            expected = sharpener(pixels)
        (found,) = sharpened(page, "webgpu", "nano", "float32", [(TYPICAL, 1.0, pixels)])
        check_parity(found, expected, "float32")
        assert np.mean(expected != pixels) > 0.3
    finally:
        started.close()
