"""Picture files for tests, made on the spot: bytes of a format from pixels, and pixels with something to see."""

import io

import numpy as np
from PIL import Image


def scene(height, width, channels=3, dtype=np.uint8, seed=0):
    """Pixels (H, W) or (H, W, channels): soft waves and a few hard edges, the full range of the type."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    planes = []
    for _ in range(max(channels, 1)):
        fx, fy, phase = rng.uniform(0.02, 0.2, 2).tolist() + [rng.uniform(0, 6)]
        plane = 0.5 + 0.35 * np.sin(columns * fx + rows * fy + phase)
        plane[height // 3 : height // 2, width // 4 : width // 2] = rng.uniform(0, 1)
        planes.append(plane)
    pixels = (np.stack(planes, axis=2) * np.iinfo(dtype).max).round().astype(dtype)
    return pixels[..., 0] if channels == 0 else pixels


def encoded(pixels, picture_format, **options):
    """The bytes of a file."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, picture_format, **options)
    return content.getvalue()


def decoded(content):
    """The pixels of a file's bytes, as Pillow reads them."""
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image)


SVG = b"""<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script/></svg>"""
