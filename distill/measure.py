"""Measuring: every method on every picture of a folder, pictures side by side on the cores there are."""

from concurrent.futures import ThreadPoolExecutor

from tqdm import tqdm

from distill.data import SMALLEST_SIDE, read_rgb
from distill.metrics import PSNR_OF_EQUALS, psnr, ssim
from engine.errors import BadData, BadImage
from engine.hardware import usable_cores

_MOST_AT_ONCE = 8  # pictures that are held in memory


def measure(files, data, methods, settings, title="evaluating", keep=None):
    """SSIM and PSNR of every method on every picture, degraded in each of several ways.

    settings: {name: function from a file name's stem to a degradation with degrade(clean) and record()}. keep(name,
    {"clean" or a method's name: pixels}) is called for each picture and setting, from several threads.
    Returns ({name: rows of images.csv}, names of the pictures left out); as over_pictures.
    """

    def work(file, name, clean):
        rows = {}
        for setting, draw in settings.items():
            drawn = draw(file.path.stem)
            degraded, truth = drawn.degrade(clean)
            restored = {method.name: method.restore(degraded, truth) for method in methods}
            rows[setting] = [
                {"picture": name, "category": file.category, "method": method} | scores(clean, pixels) | drawn.record()
                for method, pixels in restored.items()
            ]
            if keep is not None:
                keep(name, {"clean": clean} | restored)
        return rows

    found, left_out = over_pictures(files, data, work, title)
    return {setting: [row for rows in found for row in rows[setting]] for setting in settings}, left_out


def scores(clean, restored):
    """{"ssim": ..., "psnr": dB}; PSNR_OF_EQUALS stands for an infinite PSNR."""
    return {"ssim": ssim(clean, restored), "psnr": min(psnr(clean, restored), PSNR_OF_EQUALS)}


def over_pictures(files, data, work, title):
    """([work(file, name, clean), ...] in the order of the files, names of those left out), with a progress bar.

    clean: (H, W, 3) uint8 RGB. Left out and named are pictures that are damaged or under SMALLEST_SIDE pixels a side.
    Raises BadData when none is left.
    """

    def one(file):
        name = file.path.relative_to(data).as_posix()
        try:
            clean = read_rgb(file.path)
        except BadImage as error:
            return name, f"left out: {error}", None
        if min(clean.shape[:2]) < SMALLEST_SIDE:
            return name, f"left out: {name} has a side under {SMALLEST_SIDE} pixels", None
        return name, None, work(file, name, clean)

    found, left_out = [], []
    pool = ThreadPoolExecutor(min(_MOST_AT_ONCE, usable_cores()))
    try:
        for name, reason, result in tqdm(pool.map(one, files), title, total=len(files), unit="picture"):
            if reason is None:
                found.append(result)
            else:
                tqdm.write(reason)
                left_out.append(name)
    finally:
        pool.shutdown(cancel_futures=True)  # at Ctrl-C the pictures at hand are ended, no other is begun
    if not found:
        raise BadData(f"none of the {len(files)} pictures in {data} can be measured")
    return found, left_out
