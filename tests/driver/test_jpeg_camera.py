"""A camera that sends JPEGs under a real V4L2 driver: the project's Camera gets the JPEGs themselves from OpenCV."""

import pytest

from tests.driver import jpeg_camera
from tests.driver.machine import run_inside
from tests.driver.parts import prepared

pytestmark = pytest.mark.driver

TIMEOUT_S = 600  # it takes half a minute of one core, which others may want as well
MEAN_ERROR = 2.0  # levels of 255: quality 95, colours at half the size


def test_a_camera_of_jpegs_is_read_as_it_sends_them():
    frames = run_inside(prepared(), "tests.driver.jpeg_camera", TIMEOUT_S)
    assert len(frames) == jpeg_camera.COUNT and all(frame["as_sent"] for frame in frames)
    assert {tuple(frame["size"]) for frame in frames} == {(jpeg_camera.HEIGHT, jpeg_camera.WIDTH)}
    assert max(frame["mean_error"] for frame in frames) <= MEAN_ERROR
    steps = [(after["index"] - before["index"]) % jpeg_camera.COUNT for before, after in zip(frames, frames[1:])]
    assert 0 not in steps and steps.count(1) >= len(steps) // 2  # none twice; a busy machine may drop a few
