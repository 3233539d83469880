"""What the browser shows of a picture: bounded in size, JPEG for opaque pictures, PNG where there is transparency."""

from dataclasses import dataclass

import numpy as np

LONGEST_SIDE = 2048  # pixels; 1920 x 1080 is shown as it is
_JPEG_QUALITY = 90
_DETAIL = (720, 1080)  # height, width of the part shown pixel for pixel


@dataclass(frozen=True)
class View:
    """Which part of a picture is shown: rows and columns [top:bottom, left:right], and the size they are shown at."""

    top: int
    left: int
    bottom: int
    right: int
    height: int  # of the preview
    width: int

    @property
    def reduced(self):
        """Whether the preview has fewer pixels than what it shows."""
        return (self.height, self.width) != (self.bottom - self.top, self.right - self.left)


def whole_view(height, width):
    """The whole picture, its longest side at most LONGEST_SIDE."""
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    return View(0, 0, height, width, max(1, round(height * scale)), max(1, round(width * scale)))


def detail_view(pixels):
    """The part with the most detail, pixel for pixel. pixels: (H, W) or (H, W, 3 or 4), uint8 or uint16."""
    height, width = pixels.shape[:2]
    rows, columns = min(_DETAIL[0], height), min(_DETAIL[1], width)
    step = max(1, max(height, width) // 512)
    small = pixels[::step, ::step]
    grey = (small if small.ndim == 2 else small[..., 1]).astype(np.float32)
    gradient = np.zeros_like(grey)
    gradient[:, 1:] += np.abs(np.diff(grey, axis=1))
    gradient[1:] += np.abs(np.diff(grey, axis=0))
    total = np.pad(gradient.cumsum(0, dtype=np.float64).cumsum(1), ((1, 0), (1, 0)))
    h, w = max(1, rows // step), max(1, columns // step)
    sums = total[h:, w:] - total[:-h, w:] - total[h:, :-w] + total[:-h, :-w]
    y, x = np.unravel_index(int(sums.argmax()), sums.shape)
    top, left = min(int(y) * step, height - rows), min(int(x) * step, width - columns)
    return View(top, left, top + rows, left + columns, rows, columns)


def seen(pixels, view):
    """What a view shows of a picture: (height, width) of the view, 8 bits, channels as in pixels."""
    part = pixels[view.top : view.bottom, view.left : view.right]
    if view.reduced:
        part = _reduce(part, view.height, view.width)
    if part.dtype == np.uint16:
        part = ((part.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    return part


def save_preview(part, icc, folder, name):
    """Write what seen() gave into folder as NAME.jpg, or NAME.png when it is transparent somewhere; returns the path.

    icc: the profile's bytes or None.
    """
    from PIL import Image

    transparent = part.ndim == 3 and part.shape[2] == 4 and int(part[..., 3].min()) < 255
    if part.ndim == 3 and part.shape[2] == 4 and not transparent:
        part = part[..., :3]
    image = Image.fromarray(np.ascontiguousarray(part))
    if transparent:
        path = folder / f"{name}.png"
        image.save(path, compress_level=1, icc_profile=icc)
    else:
        path = folder / f"{name}.jpg"
        # 4:4:4: sharpening shows at coloured edges too, and the picture is compared at high zoom
        image.save(path, quality=_JPEG_QUALITY, subsampling=0, icc_profile=icc)
    return path


def _reduce(part, height, width):
    """Area average; with transparency the colours are weighted by it, so that hidden colours do not bleed in."""
    import cv2

    if part.ndim == 2 or part.shape[2] == 3:
        return cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
    largest = np.iinfo(part.dtype).max
    small = np.empty((height, width, 4), np.float32)
    alpha = np.ascontiguousarray(part[..., 3])
    small[..., 3] = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_AREA)
    for channel in range(3):  # one at a time: as floating point all together a large picture would take gigabytes
        weighted = cv2.multiply(np.ascontiguousarray(part[..., channel]), alpha, scale=1 / largest)
        small[..., channel] = cv2.resize(weighted, (width, height), interpolation=cv2.INTER_AREA)
    small[..., :3] *= largest / np.maximum(small[..., 3:], 1)
    return small.round().clip(0, largest).astype(part.dtype)
