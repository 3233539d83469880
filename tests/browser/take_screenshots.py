"""Takes the README's pictures of the page, with the shipped student and samples.

python -m tests.browser.take_screenshots
"""

import io
import tempfile
from pathlib import Path

from PIL import Image

from tests.browser.chromium import chromium, open_page, wait_for_result
from tests.webui.page_process import ROOT, PageProcess

FOLDER = ROOT / "assets" / "screenshots"
LARGEST = 250_000  # bytes: the README is loaded often
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
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


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="whetstone-screenshots-") as folder:
        process = PageProcess(folder, "--model", "small").wait_until_ready()
        try:
            with chromium() as browser:
                for name, (options, sample) in SHOTS.items():
                    shot = Image.open(io.BytesIO(take(browser, process.address, options, sample)))
                    path = Path(FOLDER / f"page-{name}.webp")
                    shot.convert("RGB").save(path, quality=90, method=6)
                    size = path.stat().st_size
                    print(f"{path.relative_to(ROOT)}: {shot.width} x {shot.height}, {size / 1000:.0f} KB")
                    if size > LARGEST:
                        raise SystemExit(f"{path.name} has {size} bytes, more than {LARGEST}")
        finally:
            process.stop()


if __name__ == "__main__":
    main()
