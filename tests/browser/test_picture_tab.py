"""The picture tab in headless Chromium, as its users meet it: bring, compare, set, download, by mouse and keyboard."""

import base64
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.browser.chromium import choose, wait_for_result
from tests.measure.page_time import photograph
from tests.webui.pictures import decoded, encoded, scene
from webui.app import sample_paths

pytestmark = [pytest.mark.browser, pytest.mark.slow]

KINDS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


def file(content, name, kind="image/png"):
    return {"name": name, "mimeType": kind, "buffer": content}


def download(page, elem_id="download"):
    """(name, bytes) of what a click on the button downloads."""
    with page.expect_download() as waiting:
        page.click(f"#{elem_id}")
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def image_size(page, index):
    return page.locator("#compare img").nth(index).evaluate("image => [image.naturalWidth, image.naturalHeight]")


def test_a_1080p_jpeg_is_shown_before_and_after_and_comes_back_in_its_format_size_and_name(visit):
    page, _log = visit()
    content = photograph(1)
    choose(page, file(content, "holiday photo.jpg", "image/jpeg"))
    wait_for_result(page, "holiday photo.jpg")
    assert image_size(page, 0) == image_size(page, 1) == [1920, 1080]
    line = page.locator("#status").inner_text()
    assert "1920 × 1080" in line and "tiny" in line and "100 %" in line and "ms" in line
    name, result = download(page)
    assert name == "holiday photo-sharp.jpg"
    with Image.open(io.BytesIO(result)) as image:
        assert (image.format, image.size) == ("JPEG", (1920, 1080))
    assert not np.array_equal(decoded(result), decoded(content))


@pytest.mark.parametrize(("picture_format", "options"), [("PNG", {}), ("WEBP", {"lossless": True})])
def test_at_strength_zero_the_download_has_the_same_pixels(visit, picture_format, options):
    page, _log = visit()
    pixels = scene(200, 300)
    name = f"same.{picture_format.lower()}"
    choose(page, file(encoded(pixels, picture_format, **options), name, KINDS[picture_format]))
    wait_for_result(page, name)
    strength = page.locator("#strength input[type=range]")
    strength.focus()
    page.keyboard.press("Home")
    page.wait_for_function("document.querySelector('#status').innerText.includes(' 0 %')")
    wait_for_result(page, name)
    assert np.array_equal(decoded(download(page)[1]), pixels)


def test_moving_the_strength_uploads_nothing_again_and_ends_at_the_newest(visit):
    page, log = visit()
    choose(page, file(encoded(scene(200, 300), "PNG"), "a.png"))
    wait_for_result(page, "a.png")
    count = len(log.requests)
    box = page.locator("#strength input[type=range]").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    for step in range(30):
        page.mouse.move(box["x"] + box["width"] * (0.5 + step / 100), middle)
    page.mouse.up()
    value = page.locator("#strength input[type=number]").input_value()
    assert 140 < int(value) <= 180
    page.wait_for_function(f"document.querySelector('#status').innerText.includes('{value} %')")
    assert not [address for address in log.requests[count:] if "/upload" in address or "before." in address]


@pytest.mark.parametrize(("typed", "taken", "left"), [("", "100", "100"), ("250", "200", "200"), ("-5", "0", "0")])
def test_a_picture_comes_while_the_strength_box_holds_no_strength(visit, running, typed, taken, left):
    page, _log = visit()
    choose(page, file(encoded(scene(40, 60), "PNG"), "first.png"))
    wait_for_result(page, "first.png")
    box = page.locator("#strength input[type=number]")
    box.focus()
    box.fill(typed)
    page.wait_for_timeout(500)
    wait_for_result(page, "first.png")
    choose(page, file(encoded(scene(50, 60), "PNG"), "second.png"))
    wait_for_result(page, "second.png")
    page.wait_for_function(f"document.querySelector('#status').innerText.includes(' {taken} %')")
    box.blur()
    page.wait_for_timeout(500)
    wait_for_result(page, "second.png")
    assert box.input_value() == left and f" {left} %" in page.locator("#status").inner_text()
    assert page.locator(".toast-body").count() == 0 and "Traceback" not in running.output


def test_two_files_come_back_in_one_archive(visit):
    page, _log = visit()
    first, second = encoded(scene(60, 80), "PNG"), encoded(scene(50, 70, seed=1), "JPEG")
    choose(page, file(first, "a.png"), file(second, "b.jpg", "image/jpeg"))
    wait_for_result(page, "a.png")
    page.click("#run-all")
    page.wait_for_function("document.querySelector('#report').innerText.includes('2 of 2')")
    name, content = download(page, "archive")
    assert name == "whetstone-sharp.zip"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert sorted(archive.namelist()) == ["a-sharp.png", "b-sharp.jpg"]
        assert decoded(archive.read("a-sharp.png")).shape == (60, 80, 3)


def test_of_several_files_each_can_be_looked_at(visit):
    page, _log = visit()
    choose(page, *[file(encoded(scene(40 + n, 60), "PNG"), f"{n}.png") for n in range(3)])
    wait_for_result(page, "0.png")
    page.click("#chooser input")
    page.locator("[role=option]", has_text="2.png").click()
    wait_for_result(page, "2.png")
    assert image_size(page, 1) == [60, 42]
    assert download(page)[0] == "2-sharp.png"


def test_the_list_of_pictures_closes_when_it_is_left_and_takes_no_typing(visit):
    page, _log = visit()
    choose(page, *[file(encoded(scene(40 + n, 60), "PNG"), f"{n}.png") for n in range(3)])
    wait_for_result(page, "0.png")
    page.focus("#chooser input")
    page.wait_for_function("document.querySelectorAll('[role=option]').length === 3")
    page.keyboard.type("zzz")
    assert page.locator("[role=option]").count() == 3 and page.input_value("#chooser input") == "0.png"
    page.keyboard.press("Tab")
    page.wait_for_function("document.querySelectorAll('[role=option]').length === 0")
    page.wait_for_timeout(500)  # it used to come back
    assert page.locator("[role=option]").count() == 0 and page.locator("#compare img").count() == 2
    page.focus("#chooser input")
    for key in ("ArrowDown", "Enter"):
        page.keyboard.press(key)
    wait_for_result(page, "1.png")


def test_choosing_a_broken_picture_leaves_no_other_one_in_its_place(visit):
    page, _log = visit()
    good = file(encoded(scene(40, 60), "PNG"), "good.png")
    choose(page, good, file(encoded(scene(40, 60), "JPEG")[:300], "broken.jpg", "image/jpeg"))
    wait_for_result(page, "good.png")

    def pick(name):
        page.click("#chooser input")
        page.locator("[role=option]", has_text=name).click()

    pick("broken.jpg")
    page.wait_for_function("document.querySelector('#status .bad')?.innerText.includes('broken.jpg')")
    page.wait_for_function("!document.querySelector('#compare img')")
    page.wait_for_timeout(1000)  # longer than the pause after which the download used to come back
    assert page.locator("#compare img").count() == 0 and page.locator("#download").is_hidden()
    pick("good.png")
    wait_for_result(page, "good.png")
    assert download(page)[0] == "good-sharp.png"


def test_a_copied_picture_can_be_pasted(visit, running):
    page, _log = visit(permissions=["clipboard-read", "clipboard-write"])
    data = base64.b64encode(encoded(scene(70, 90), "PNG")).decode()
    page.evaluate(
        """async data => {
            const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
            await navigator.clipboard.write([new ClipboardItem({"image/png": new Blob([bytes], {type: "image/png"})})]);
        }""",
        data,
    )
    page.keyboard.press("Control+V")
    wait_for_result(page, "pasted.png")
    assert image_size(page, 1) == [90, 70]
    assert download(page)[0] == "pasted-sharp.png"


def test_pictures_can_be_dropped_anywhere_on_the_page(visit):
    page, _log = visit()
    data = base64.b64encode(encoded(scene(70, 90), "PNG")).decode()
    transfer = page.evaluate_handle(
        """data => {
            const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], "dropped.png", {type: "image/png"}));
            return transfer;
        }""",
        data,
    )
    page.dispatch_event("#page-footer", "dragover", {"dataTransfer": transfer})
    page.dispatch_event("#page-footer", "drop", {"dataTransfer": transfer})
    wait_for_result(page, "dropped.png")


def test_a_sample_can_be_tried_and_stays(visit):
    samples = sample_paths()
    if not samples:
        pytest.skip("assets/samples holds no pictures")
    page, _log = visit()
    page.locator("#samples button").last.click()
    wait_for_result(page, samples[-1].name)
    assert image_size(page, 0) == image_size(page, 1) and samples[-1].exists()


def test_after_a_sample_chosen_with_the_keyboard_the_next_one_is_as_near(visit):
    samples = sample_paths()
    if len(samples) < 2:
        pytest.skip("assets/samples holds fewer than two pictures")
    page, _log = visit()
    page.locator("#samples button").first.focus()
    page.keyboard.press("Enter")
    wait_for_result(page, samples[0].name)
    assert page.evaluate("document.activeElement.closest('#samples') !== null")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    wait_for_result(page, samples[1].name)


def test_text_that_is_called_png_gets_a_clear_sentence_and_no_result(visit):
    page, _log = visit()
    choose(page, file(b"just words", "letter.png"))
    page.wait_for_selector("#status .bad")
    sentence = page.locator("#status").inner_text().strip()
    assert "letter.png" in sentence and "text" in sentence and "\n" not in sentence
    assert page.locator("#work").is_hidden()
    choose(page, file(encoded(scene(9, 9), "PNG"), "good.png"))
    wait_for_result(page, "good.png")


def test_a_bad_picture_after_a_good_one_leaves_the_good_one(visit):
    page, _log = visit()
    choose(page, file(encoded(scene(40, 60), "PNG"), "good.png"))
    wait_for_result(page, "good.png")
    choose(page, file(b"<svg/>", "drawing.png"))
    page.wait_for_selector("#status .bad")
    page.locator("#strength input[type=range]").focus()
    page.keyboard.press("ArrowRight")
    wait_for_result(page, "good.png")


@pytest.mark.parametrize(
    "name", ["<b>bold</b>.png", "{{x}} ${1+1}.png", "a&amp;b.png", "'\".png", "photo\u202egnp.exe.png"]
)
def test_a_name_is_shown_as_text_and_never_runs(visit, name):
    page, _log = visit()
    choose(page, file(encoded(scene(9, 9), "PNG"), name))
    page.wait_for_selector("#compare img.fixed")
    assert page.locator("#status p b").count() == 1 and page.locator("#status p b *").count() == 0
    shown = page.locator("#status p b").inner_text()
    assert shown.endswith(".png") and "\u202e" not in shown
    assert ("${1+1}" in shown) == ("${1+1}" in name) and ("&amp;" in shown) == ("&amp;" in name)


def test_a_large_picture_is_shown_reduced_and_says_so_and_comes_back_whole(visit):
    page, _log = visit()
    content = encoded(scene(2000, 3000), "JPEG", quality=92)
    choose(page, file(content, "large.jpg", "image/jpeg"))
    wait_for_result(page, "large.jpg")
    assert image_size(page, 1) == [2048, 1365]
    assert "Shown at 2048 × 1365" in page.locator("#status").inner_text()
    page.locator("#view label").nth(1).click()
    page.wait_for_function("document.querySelector('#status').innerText.includes('most detail')")
    page.wait_for_function("document.querySelector('#compare img.fixed').naturalWidth === 1080")
    wait_for_result(page, "large.jpg")
    with Image.open(io.BytesIO(download(page)[1])) as image:
        assert image.size == (3000, 2000)


def test_on_a_phone_nothing_sticks_out(visit):
    page, _log = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    choose(page, *[file(encoded(scene(200, 300), "PNG"), f"{'long name ' * 9}{n}.png") for n in range(2)])
    wait_for_result(page, "long name")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for target in ("#download", "#strength input[type=range]", "#run-all"):
        box = page.locator(target).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["height"] >= 8
    buttons = page.locator("#compare button:visible, #strength button:visible, #samples button:visible").all()
    assert len(buttons) >= 2
    for button in buttons:
        box = button.bounding_box()
        assert box["width"] >= 32 and box["height"] >= 32, (button.get_attribute("aria-label"), box)
        button.scroll_into_view_if_needed()
        box = button.bounding_box()
        x, middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        for y in (middle - 15, middle + 15):  # not cut off by what it lies in
            assert button.evaluate("(one, at) => one.contains(document.elementFromPoint(...at))", [x, y])


def test_everything_can_be_reached_and_seen_with_the_tab_key(visit):
    page, _log = visit()
    choose(page, file(encoded(scene(200, 300), "PNG"), "a.png"))
    wait_for_result(page, "a.png")
    page.evaluate("document.activeElement.blur()")
    reached = []
    for _ in range(14 + len(sample_paths())):
        page.keyboard.press("Tab")
        where, visible = page.evaluate(
            """() => {
                const focused = document.activeElement;
                const marked = [focused, ...focused.querySelectorAll("*"), focused.nextElementSibling].filter(Boolean);
                const outlined = marked.some(one => {
                    const style = getComputedStyle(one);
                    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
                });
                const place = focused.closest("#drop, #samples, #compare, #strength, #model, #download")?.id;
                const tab = focused.getAttribute("role") === "tab" ? "tab" : focused.tagName;
                return [place || tab, outlined];
            }"""
        )
        if where != "BODY":
            reached.append(where)
            assert visible, f"no visible focus at {where}"
    order = list(dict.fromkeys(reached))
    samples = ["samples"] if sample_paths() else []
    # last, the link to the dashboard below
    assert order == ["tab", "drop", *samples, "compare", "strength", "model", "download", "A"]


def test_the_split_moves_and_zooms_with_the_keyboard(visit):
    page, _log = visit()
    choose(page, file(encoded(scene(200, 300), "PNG"), "a.png"))
    wait_for_result(page, "a.png")
    handle = page.locator("#compare [role=slider]")
    handle.focus()
    start = int(handle.get_attribute("aria-valuenow"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert int(handle.get_attribute("aria-valuenow")) - start in (3, 4, 5)
    for _ in range(20):  # the component takes back a zoom while it is still finding its size
        page.keyboard.press("+")
        page.wait_for_timeout(200)
        if not page.locator("#compare img").first.evaluate("image => image.style.transform.endsWith('scale(1)')"):
            break
    assert not page.locator("#compare img").first.evaluate("image => image.style.transform.endsWith('scale(1)')")
    page.keyboard.press("0")
    page.wait_for_function("document.querySelector('#compare img').style.transform.endsWith('scale(1)')")


CONTRASTS = """
() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number).concat(1).slice(0, 4);
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = (c) => {
    const [r, g, b] = c.slice(0, 3).map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const over = (top, under) => top.slice(0, 3).map((v, i) => v * top[3] + under[i] * (1 - top[3])).concat(1);
  const ground = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      layers.push(c);
      if (c[3] === 1) break;
    }
    return layers.reduceRight((under, top) => over(top, under), [255, 255, 255, 1]);
  };
  const found = [];
  const walker = document.createTreeWalker(document.querySelector(".gradio-container"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), element = walker.currentNode.parentElement;
    if (!text || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (element.closest("button[disabled], style, script, svg")) continue;
    const under = ground(element), ink = over(parse(getComputedStyle(element).color), under);
    const [a, b] = [light(ink), light(under)].sort((x, y) => y - x);
    found.push([text.slice(0, 40), (a + 0.05) / (b + 0.05)]);
  }
  return found;
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_modes(visit, scheme):
    page, _log = visit(color_scheme=scheme)
    seen = page.evaluate(CONTRASTS)
    damaged = file(encoded(scene(40, 60), "PNG")[:60], "bad.png")
    choose(page, file(encoded(scene(2200, 1100), "JPEG"), "a.jpg", "image/jpeg"), damaged)
    wait_for_result(page, "a.jpg")
    page.click("#run-all")
    page.wait_for_function("document.querySelector('#report').innerText.includes('1 of 2')")
    seen += page.evaluate(CONTRASTS)
    assert len(seen) > 15
    assert [(text, round(ratio, 2)) for text, ratio in seen if ratio < 4.5] == []  # WCAG 2.2, 1.4.3


def test_nothing_moves_for_those_who_asked_for_that(visit):
    page, _log = visit(reduced_motion="reduce")
    page.evaluate("document.body.classList.add('busy')")
    durations = page.evaluate(
        """() => [...document.querySelectorAll("*")].flatMap(one => ["", "::before", "::after"].map(part => {
            const style = getComputedStyle(one, part);
            const lasts = style.animationName === "none" ? "0" : style.animationDuration;
            return Math.max(...`${lasts},${style.transitionDuration}`.split(",").map(parseFloat));
        }))"""
    )
    assert max(durations) <= 0.001  # seconds


def test_the_page_has_a_title_an_icon_a_language_and_says_that_nothing_leaves(visit, running):
    page, _log = visit()
    assert page.title() == "Whetstone"
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.request.get(f"{running.address}/favicon.ico").headers["content-type"] == "image/png"
    assert "no picture leaves" in page.locator("#page-header").inner_text()


def test_closing_the_page_deletes_the_pictures(visit, running):
    before = {path for path in running.temporary.rglob("*") if path.is_file()}
    page, _log = visit()
    choose(page, file(encoded(scene(9, 9), "PNG"), "a.png"))
    wait_for_result(page, "a.png")
    mine = {path for path in running.temporary.rglob("*") if path.is_file()} - before
    assert len(mine) >= 4  # the original, two previews, the result
    watcher, _log = visit()
    page.close()
    for _ in range(200):
        if not any(path.exists() for path in mine):
            break
        watcher.wait_for_timeout(100)
    assert [path for path in mine if path.exists()] == []
