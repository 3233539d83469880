"""Laws of sinks: colours arrive, sizes fit, what lacks is told with its fix, a recording never hinders the call."""

import os
import time

import av
import numpy as np
import pytest
import pyvirtualcam
from pyvirtualcam import camera as their_camera
from skimage import data

from engine.errors import BadOutput, SinkLost
from engine.live import virtual_camera
from engine.live.driver_help import how_to_free, how_to_install
from engine.live.frames import Frame, YuvFrame, frame_of, pixels_of
from engine.live.recorder import Recorder
from engine.live.sinks import Null, even, fitted
from engine.live.virtual_camera import VirtualCamera
from tests.engine.small_disk import small_disk
from tests.engine.video.clips import contents, moving


class Driver:
    """A backend of pyvirtualcam's that keeps what it is sent; `native`: its own pixel format."""

    native, opened, fails = pyvirtualcam.PixelFormat.I420, None, None

    def __init__(self, *, width, height, fps, fourcc, device):
        if Driver.fails:
            raise RuntimeError(Driver.fails)
        self.size, self.fps, self.fourcc, self.sent, self.closed = (height, width), fps, fourcc, [], False
        Driver.opened = self

    def close(self):
        self.closed = True

    def send(self, frame):
        if Driver.fails:
            raise RuntimeError(Driver.fails)
        self.sent.append(frame.copy())

    def device(self):
        return "/dev/video9"

    def native_fourcc(self):
        return pyvirtualcam.util.encode_fourcc(self.native.value)


@pytest.fixture
def driver(monkeypatch):
    monkeypatch.setattr(their_camera, "BACKENDS", {"fake": Driver})
    monkeypatch.setattr(Driver, "fails", None)
    monkeypatch.setattr(Driver, "native", pyvirtualcam.PixelFormat.I420)
    return Driver


def frame(height, width, colour=(200, 80, 40), index=0, at_s=0.0):
    return Frame(np.full((height, width, 3), colour, np.uint8), index, at_s)


def test_colours_arrive_as_video_range_bt601(driver):
    with VirtualCamera(48, 64, 30) as camera:
        camera.send(frame(48, 64))
        assert camera.name == "virtual camera /dev/video9"
    (sent,) = driver.opened.sent
    y, u, v = sent[: 48 * 64], sent[48 * 64 : 48 * 64 * 5 // 4], sent[48 * 64 * 5 // 4 :]
    # ITU-R BT.601: Y = 16 + 65.481 r + 128.553 g + 24.966 b; Cb, Cr likewise, r, g, b from 0 to 1
    r, g, b = 200 / 255, 80 / 255, 40 / 255
    assert y.mean() == pytest.approx(16 + 65.481 * r + 128.553 * g + 24.966 * b, abs=1)
    assert u.mean() == pytest.approx(128 - 37.797 * r - 74.203 * g + 112 * b, abs=1)
    assert v.mean() == pytest.approx(128 + 112 * r - 93.786 * g - 18.214 * b, abs=1)
    assert driver.opened.closed


def test_a_cameras_jpeg_arrives_as_its_rgb_would(driver):
    photo = av.VideoFrame.from_ndarray(np.ascontiguousarray(data.astronaut()[:96, :128]), format="rgb24")
    jpeg = frame_of(pixels_of(photo.reformat(format="yuvj420p")), 0, 0.0)
    with VirtualCamera(96, 128, 30) as camera:
        camera.send(jpeg)
        camera.send(Frame(jpeg.pixels, 0, 0.0))
    direct, by_rgb = (sent.reshape(144, 128).astype(int) for sent in driver.opened.sent)
    assert np.abs(direct[:96] - by_rgb[:96]).max() <= 2  # rounding, there and back
    assert np.abs(direct[96:] - by_rgb[96:]).mean() < 1.5 and direct[96:].std() > 5  # colours are averaged anew
    assert direct[:96].min() >= 16 and direct[:96].max() <= 235 and direct[96:].min() >= 16 and direct[96:].max() <= 240


def test_a_cameras_jpeg_of_another_size_and_for_a_driver_of_rgb_goes_by_rgb(driver, monkeypatch):
    jpeg = YuvFrame(np.full((72, 64), 128, np.uint8), 0, 0.0)
    with VirtualCamera(24, 32, 30) as camera:
        camera.send(jpeg)
    assert driver.opened.sent[0].size == 24 * 32 * 3 // 2
    monkeypatch.setattr(Driver, "native", pyvirtualcam.PixelFormat.RGBA)
    with VirtualCamera(48, 64, 30) as camera:
        camera.send(jpeg)
    np.testing.assert_array_equal(driver.opened.sent[0].reshape(48, 64, 3), jpeg.pixels)


def test_a_driver_of_rgb_gets_rgb(driver, monkeypatch):
    monkeypatch.setattr(Driver, "native", pyvirtualcam.PixelFormat.RGBA)
    with VirtualCamera(48, 64, 30) as camera:
        camera.send(frame(48, 64))
    np.testing.assert_array_equal(driver.opened.sent[0].reshape(48, 64, 3), frame(48, 64).pixels)


def test_odd_sizes_lose_a_line_and_other_sizes_are_fitted(driver):
    with VirtualCamera(49, 65, 30) as camera:
        assert driver.opened.size == (48, 64)
        camera.send(frame(49, 65))
        camera.send(frame(48, 64))
        camera.send(frame(96, 64, colour=(255, 255, 255)))
    assert [sent.size for sent in driver.opened.sent] == [48 * 64 * 3 // 2] * 3
    assert np.array_equal(driver.opened.sent[0], driver.opened.sent[1])
    tall = driver.opened.sent[2][: 48 * 64].reshape(48, 64)
    assert tall[:, 20:44].min() > 200 and tall[:, :12].max() == 16  # between black bars, not stretched


def test_zoom_is_never_given_more_than_it_stands(driver):
    with VirtualCamera(48, 64, 120) as camera:
        assert camera.fps == 55 == driver.opened.fps


def test_a_camera_that_goes_away_is_lost_and_can_come_back(driver, monkeypatch):
    camera = VirtualCamera(48, 64, 30)
    monkeypatch.setattr(Driver, "fails", "device gone")
    with pytest.raises(SinkLost, match="takes no more frames .device gone.; close the other program"):
        camera.send(frame(48, 64))
    with pytest.raises(SinkLost):
        camera.reopen()
    monkeypatch.setattr(Driver, "fails", None)
    camera.reopen()
    camera.send(frame(48, 64))
    camera.close()


@pytest.mark.skipif(any(os.path.exists(f"/dev/video{number}") for number in range(16)), reason="a driver may be here")
def test_without_a_driver_the_real_library_is_told_with_the_fix():
    with pytest.raises(
        SinkLost, match="modprobe v4l2loopback devices=1 exclusive_caps=1 card_label=Whetstone"
    ) as caught:
        VirtualCamera(48, 64, 30)
    assert "\n" not in str(caught.value)


def test_without_the_library_it_is_named(monkeypatch):
    monkeypatch.setattr(virtual_camera, "library_there", lambda: False)
    with pytest.raises(SinkLost, match="pip install pyvirtualcam"):
        VirtualCamera(48, 64, 30)


def test_each_system_has_its_fix():
    assert "v4l2loopback" in how_to_install("linux") and "OBS 30" in how_to_install("darwin")
    assert "Unity Capture" in how_to_install("win32")
    assert "zoom (12)" in how_to_free(["zoom (12)"], "linux")


@pytest.mark.parametrize("height, width", [(10, 10), (300, 200), (33, 501), (1, 1)])
def test_a_fitted_frame_has_the_size_asked(height, width):
    pixels = np.full((height, width, 3), 255, np.uint8)
    whole = fitted(pixels, 90, 160)
    assert whole.shape == (90, 160, 3) and whole.max() == 255
    rows, columns = np.any(whole.max(axis=2) > 128, axis=1).sum(), np.any(whole.max(axis=2) > 128, axis=0).sum()
    assert rows == 90 or columns == 160
    assert fitted(whole, 90, 160) is whole


def test_even_and_null():
    assert [even(length) for length in (1, 2, 3, 720, 721)] == [2, 2, 2, 720, 720]
    with Null() as sink:
        sink.send(frame(1, 1))
        assert sink.frames == 1


# ---- recording


def record(recorder, times, pictures=None):
    for index, (at_s, pixels) in enumerate(zip(times, pictures or moving(len(times)))):
        recorder.send(Frame(pixels, index, at_s))
        deadline = time.monotonic() + 30
        while recorder.written + recorder.left_out <= index and not recorder.error and time.monotonic() < deadline:
            time.sleep(0.001)


def test_a_recording_keeps_frames_and_their_times(tmp_path):
    times = [50.0, 50.033, 50.1, 50.4]
    with Recorder(tmp_path / "a.mp4", 30) as recorder:
        record(recorder, times)
        assert os.listdir(tmp_path) != ["a.mp4"]  # not yet
    found = contents(tmp_path / "a.mp4")
    assert found.times == pytest.approx([at - 50 for at in times], abs=1e-4) and os.listdir(tmp_path) == ["a.mp4"]
    assert np.abs(found.rgb[3].astype(int) - moving(4)[3]).mean() < 6


def test_frames_of_odd_and_changing_sizes_are_recorded(tmp_path):
    with Recorder(tmp_path / "a.mkv", 30) as recorder:
        record(recorder, [0, 0.1, 0.2], [frame(33, 65).pixels, frame(64, 32).pixels, frame(32, 64).pixels])
    assert recorder.error == "" and [pixels.shape for pixels in contents(tmp_path / "a.mkv").rgb] == [(32, 64, 3)] * 3


def test_a_recording_says_how_its_colours_are_meant(tmp_path):
    green = np.full((64, 96, 3), (40, 200, 40), np.uint8)
    with Recorder(tmp_path / "a.mp4", 30) as recorder:
        record(recorder, [0, 0.1], [green, green])
    found = contents(tmp_path / "a.mp4")
    assert found.tags[:2] == (1, 1)  # video range, BT.709
    assert np.abs(found.rgb[0].astype(int) - green).max() <= 3


def test_no_frame_leaves_no_file(tmp_path):
    Recorder(tmp_path / "a.mp4", 30).close()
    assert os.listdir(tmp_path) == []


def test_a_place_that_cannot_be_is_refused_before_the_first_frame(tmp_path):
    (tmp_path / "there.mp4").touch()
    for name, reason in (("there.mp4", "exists already"), ("a.gif", "end it in .mp4"), ("no/a.mp4", "does not exist")):
        with pytest.raises(BadOutput, match=reason):
            Recorder(tmp_path / name, 30)
    assert os.listdir(tmp_path) == ["there.mp4"]


def test_a_full_disk_is_told_once_and_sending_goes_on(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        told, rng = [], np.random.default_rng(0)
        recorder = Recorder(disk / "a.mp4", 30, tell=told.append)
        for index in range(400):
            recorder.send(Frame(rng.integers(0, 255, (96, 128, 3), np.uint8), index, index / 30))
            if recorder.error:
                break
            time.sleep(0.005)
        recorder.send(frame(96, 128))
        recorder.close()
        needed = Recorder(disk / "b.mp4", 30, needed=True)
        with pytest.raises(BadOutput, match="^the disk of .* is full: b.mp4 needs more than .* choose another folder$"):
            for index in range(400):
                needed.send(Frame(rng.integers(0, 255, (96, 128, 3), np.uint8), index, index / 30))
                time.sleep(0.005)
        needed.close()
        assert len(told) == 1 and "is full" in told[0] and told[0].endswith("the call goes on") and "\n" not in told[0]
        assert os.listdir(disk) == []  # not one piece of two seconds fitted
