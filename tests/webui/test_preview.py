"""What the browser gets to see: never too large, in the right format, and the part with the detail."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.webui.pictures import scene
from webui.preview import LONGEST_SIDE, detail_view, save_preview, seen, whole_view


@given(st.integers(1, 100_000), st.integers(1, 100_000))
def test_a_preview_is_bounded_and_keeps_the_shape(height, width):
    view = whole_view(height, width)
    assert 1 <= view.height <= LONGEST_SIDE and 1 <= view.width <= LONGEST_SIDE
    assert view.reduced == (max(height, width) > LONGEST_SIDE)
    scale = min(1, LONGEST_SIDE / max(height, width))
    assert abs(view.height - height * scale) <= 1 and abs(view.width - width * scale) <= 1


@pytest.mark.parametrize("shape", [(1080, 1920, 3), (40, 60), (1, 1, 3), (7, 5, 4), (3000, 10, 3), (2500, 3000)])
def test_a_preview_has_the_size_of_its_view(tmp_path, shape):
    pixels = scene(shape[0], shape[1], shape[2] if len(shape) == 3 else 0)
    view = whole_view(*shape[:2])
    with Image.open(save_preview(seen(pixels, view), None, tmp_path, "x")) as image:
        assert image.size == (view.width, view.height)


def test_opaque_pictures_are_shown_as_jpeg_and_transparent_ones_as_png(tmp_path):
    pixels = scene(30, 40, 4)
    pixels[..., 3] = 255
    assert save_preview(pixels, None, tmp_path, "opaque").suffix == ".jpg"
    pixels[3, 4, 3] = 254
    path = save_preview(pixels, None, tmp_path, "clear")
    with Image.open(path) as image:
        assert path.suffix == ".png" and np.array_equal(np.asarray(image), pixels)


def test_sixteen_bits_are_shown_with_the_same_brightness():
    levels = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)
    assert np.array_equal(seen(levels, whole_view(16, 16)), np.arange(256, dtype=np.uint8).reshape(16, 16))


def test_colours_under_full_transparency_do_not_bleed_into_a_reduced_preview():
    pixels = np.zeros((4096, 8, 4), np.uint8)
    pixels[..., 0] = 255  # red, everywhere invisible ...
    pixels[::2] = (0, 0, 255, 255)  # ... but for blue lines
    part = seen(pixels, whole_view(4096, 8))
    visible = part[part[..., 3] > 0]
    assert len(visible) and (visible[:, 0] <= 1).all() and (visible[:, 2] >= 254).all()


def test_the_colour_profile_goes_into_the_preview(tmp_path):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with Image.open(save_preview(scene(8, 8), profile, tmp_path, "x")) as image:
        assert image.info["icc_profile"] == profile


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_detail_is_where_the_picture_has_edges(dtype):
    pixels = np.full((3000, 4000, 3), 100, dtype)
    pixels[2000:2300, 2900:3300] = np.random.default_rng(0).integers(0, 255, (300, 400, 3))
    view = detail_view(pixels)
    assert not view.reduced
    assert view.top <= 2000 and view.bottom >= 2300 and view.left <= 2900 and view.right >= 3300


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_the_detail_lies_inside_any_picture(height, width):
    view = detail_view(np.zeros((height, width), np.uint8))
    assert 0 <= view.top < view.bottom <= height and 0 <= view.left < view.right <= width
    assert (view.height, view.width) == (view.bottom - view.top, view.right - view.left)
