"""Takes the README's pictures of the page, with the shipped student and samples.

python -m tests.browser.take_screenshots
"""

import io
import tempfile
from pathlib import Path

from PIL import Image

from tests.browser.camera_clip import write_film
from tests.browser.chromium import chromium, open_page, wait_for_result
from tests.browser.live_page import live_page, wait_for_frames
from tests.webui.page_process import PageProcess
from tests.webui.server_process import ROOT

FOLDER = ROOT / "assets" / "screenshots"
LARGEST = 250_000  # bytes: the README is loaded often
LARGEST_MOVING = 1_500_000
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
LIVE = {"width": 1280, "height": 900}
SHOTS = {  # file name: options of the browser context, sample (None: nothing brought yet)
    "start": ({"viewport": {"width": 1280, "height": 480}}, None),
    "light": ({"viewport": {"width": 1280, "height": 820}}, "scene"),
    "dark": ({"viewport": {"width": 1280, "height": 820}, "color_scheme": "dark"}, "text"),
    "phone": (PHONE, "portrait"),
}


def take(browser, address, options, sample):
    """The bytes of a PNG."""
    with open_page(browser, address, **options) as (page, _log):
        page.wait_for_selector("#samples button img")
        if sample is not None:
            page.click(f"#samples button[title='{sample}']")
            wait_for_result(page, sample)
        page.mouse.move(0, 0)
        page.wait_for_timeout(800)  # the busy bar and the slider's movement have ended
        return page.screenshot()


def take_sweep(browser, address, sample):
    """Frames of the comparison while the divider goes from right to left and back: PNGs."""
    with open_page(browser, address, viewport={"width": 1000, "height": 900}) as (page, _log):
        page.wait_for_selector("#samples button img")
        page.click(f"#samples button[title='{sample}']")
        wait_for_result(page, sample)
        page.wait_for_timeout(800)
        divider, pictures, frames = page.locator("#compare [data-testid=slider]"), page.locator("#compare"), []
        divider.focus()
        for key, times in (("ArrowRight", 20), ("ArrowLeft", 40), ("ArrowRight", 20)):
            for step in range(times):
                page.keyboard.press(key)
                if step % 2:
                    frames.append(pictures.screenshot())
        return frames


def keep_sweep(name, pngs):
    """Write the frames as one moving picture."""
    frames = [Image.open(io.BytesIO(png)).convert("RGB") for png in pngs]
    path = FOLDER / f"{name}.webp"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=70, loop=0, quality=70, method=6)
    _say_size(path, frames[0], LARGEST_MOVING)


def take_live(address, folder):
    """The bytes of a PNG of the Live tab on a film of scikit-image's astronaut."""
    flags = write_film(Path(folder) / "film.mjpeg", 480, 640, clip=lambda: None)
    with chromium(*flags) as browser, live_page(browser, address, viewport=LIVE) as (page, _log, traffic):
        page.click("#live .live-start")
        wait_for_frames(page)
        page.wait_for_selector("#live [data-figure=measured]")
        while traffic.count < 60:  # measured and steady
            page.wait_for_timeout(200)
        page.mouse.move(0, 0)
        return page.screenshot()


def keep(name, png):
    """Write the picture and say how large it is."""
    shot, path = Image.open(io.BytesIO(png)), FOLDER / f"{name}.webp"
    shot.convert("RGB").save(path, quality=90, method=6)
    _say_size(path, shot, LARGEST)


def _say_size(path, picture, most):
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)}: {picture.width} x {picture.height}, {size / 1000:.0f} KB")
    if size > most:
        raise SystemExit(f"{path.name} has {size} bytes, more than {most}")


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="whetstone-screenshots-") as folder:
        process = PageProcess(folder, "--model", "small").wait_until_ready()
        try:
            with chromium() as browser:
                for name, (options, sample) in SHOTS.items():
                    keep(f"page-{name}", take(browser, process.address, options, sample))
                keep_sweep("sweep", take_sweep(browser, process.address, "scene"))
            keep("live", take_live(process.address, folder))
        finally:
            process.stop()


if __name__ == "__main__":
    main()
