"""Laws of cameras and of files that stand in for one: RGB, the true size, clear words when nothing comes."""

import io
import os
import struct

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from engine.errors import BadImage, BadVideo, SourceLost
from engine.live import devices
from engine.live.camera import Camera
from engine.live.files import PictureFolder, VideoFile
from engine.live.frames import Frame, YuvFrame
from tests.engine.live.fakes import FakeClock
from tests.engine.video.clips import make_clip, moving

RED = (220, 30, 40)


class Capture:
    """In cv2.VideoCapture's place: gives one picture `times` times, in its own size whatever is asked."""

    def __init__(self, height=480, width=640, fps=30.0, times=10**9, opened=True, clock=None):
        self.pixels = np.full((height, width, 3), RED[::-1], np.uint8)  # BGR
        self.fps, self.times, self.opened, self.clock = fps, times, opened, clock
        self.settings, self.released, self.coded = [], False, 0

    def isOpened(self):
        return self.opened

    def set(self, property, value):
        self.settings.append((property, value))
        return True

    def get(self, property):
        return {cv2.CAP_PROP_FPS: self.fps, cv2.CAP_PROP_FOURCC: self.coded}.get(property, 0)

    def read(self):
        if self.clock is not None:
            self.clock.now += 1 / 30 if self.times else 1.0
        if not self.times:
            return False, None
        self.times -= 1
        return True, self.pixels.copy()

    def release(self):
        self.released = True


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with /dev/video0 (HD Webcam); devices are plain files, which no ioctl answers."""
    for name in ("DEV", "SYS", "PROC"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(devices, name, tmp_path / name)
    monkeypatch.setattr(devices.sys, "platform", "linux")
    (tmp_path / "DEV/video0").touch()
    (tmp_path / "SYS/class/video4linux/video0").mkdir(parents=True)
    (tmp_path / "SYS/class/video4linux/video0/name").write_text("HD Webcam\n")
    return tmp_path


def refused(reason, work, kind=SourceLost):
    with pytest.raises(kind, match=reason) as caught:
        work()
    assert "\n" not in str(caught.value)


def test_a_cameras_frames_are_rgb_numbered_and_of_the_size_it_delivers(machine):
    clock, capture = FakeClock(), Capture(480, 640)
    with Camera(0, 720, 1280, 30, open_capture=lambda which: capture, clock=clock) as camera:
        frames = [camera.read() for _ in range(3)]
        assert (camera.height, camera.width, camera.fps) == (480, 640, 30)
        assert camera.name == "camera 0 (HD Webcam)"
        assert camera.notice == "camera 0 (HD Webcam) delivers 640x480 where 1280x720 was asked for"
    assert [frame.index for frame in frames] == [0, 1, 2] and frames[0].captured_at == 100.0
    assert tuple(frames[0].pixels[0, 0]) == RED and frames[0].pixels.shape == (480, 640, 3)
    asked = dict(capture.settings)
    assert asked[cv2.CAP_PROP_FOURCC] == struct.unpack("<I", b"MJPG")[0]
    assert (asked[cv2.CAP_PROP_FRAME_WIDTH], asked[cv2.CAP_PROP_FRAME_HEIGHT]) == (1280, 720)
    assert capture.released


def test_opencv_itself_is_read_and_turned_to_rgb(tmp_path, machine):
    clip = make_clip(tmp_path / "red.mp4", [np.full((64, 96, 3), RED, np.uint8)] * 5)
    with Camera(0, 64, 96, 25, open_capture=lambda which: cv2.VideoCapture(str(clip))) as camera:
        frame = camera.read()
    assert np.abs(frame.pixels.reshape(-1, 3).mean(axis=0) - RED).max() < 6 and camera.notice == ""


class JpegCapture(Capture):
    """As OpenCV's V4L2 gives a camera that sends JPEGs: as (1, N) bytes once it is told not to convert.

    damaged: numbers of frames that come as damage(jpeg), by default hardly more than a beginning; honest: whether JPEGs
    come, or YUYV.
    """

    damage = staticmethod(lambda jpeg: jpeg[:200])

    def __init__(self, pixels, subsampling="4:2:2", damaged=(), honest=True, **settings):
        super().__init__(*pixels.shape[:2], **settings)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=95, subsampling=subsampling)
        self.jpeg, self.pixels = buffer.getvalue(), np.ascontiguousarray(pixels[:, :, ::-1])
        self.coded, self.damaged, self.honest, self.given = cv2.VideoWriter_fourcc(*"MJPG"), damaged, honest, 0

    def read(self):
        taken, pixels = super().read()
        converts = dict(self.settings).get(cv2.CAP_PROP_CONVERT_RGB, 1)
        if not taken or converts:
            return taken, pixels
        if not self.honest:
            return True, np.zeros((*self.pixels.shape[:2], 2), np.uint8)
        self.given += 1
        jpeg = self.damage(self.jpeg) if self.given - 1 in self.damaged else self.jpeg + bytes(1000)
        return True, np.frombuffer(jpeg, np.uint8)[None]


PHOTO = data.astronaut()[:480, :]


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2"])
def test_a_cameras_jpegs_become_frames_whose_luma_is_theirs(machine, subsampling):
    capture = JpegCapture(PHOTO, subsampling)
    with Camera(0, 480, 512, 30, open_capture=lambda which: capture) as camera:
        assert (camera.height, camera.width, camera.notice) == (480, 512, "")
        frame = camera.read()
    assert isinstance(frame, YuvFrame) and frame.size == (480, 512)
    with Image.open(io.BytesIO(capture.jpeg)) as picture:
        rgb = np.asarray(picture.convert("RGB"))
    with Image.open(io.BytesIO(capture.jpeg)) as picture:
        picture.draft("YCbCr", picture.size)  # as it is coded, not by way of RGB
        luma = np.asarray(picture)[:, :, 0]
    assert np.abs(frame.luma.astype(int) - luma).max() <= 1  # two decoders round differently
    smooth = [cv2.blur(pixels, (9, 9)).astype(int) for pixels in (frame.pixels, rgb)]
    assert np.abs(smooth[0] - smooth[1]).mean() < 1.5  # colours are at half the height now


@pytest.mark.parametrize("pixels", [PHOTO[:479, :511], cv2.cvtColor(PHOTO, cv2.COLOR_RGB2GRAY)])
def test_odd_and_grey_jpegs_come_as_rgb(machine, pixels):
    capture = JpegCapture(np.atleast_3d(pixels)) if pixels.ndim == 3 else grey_capture(pixels)
    with Camera(0, 480, 512, 30, open_capture=lambda which: capture) as camera:
        frame = camera.read()
    assert isinstance(frame, Frame) and frame.pixels.shape == (*pixels.shape[:2], 3)
    rgb = pixels if pixels.ndim == 3 else cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
    assert np.abs(frame.pixels.astype(int) - rgb).mean() < 3


def grey_capture(pixels):
    capture = JpegCapture(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB))
    capture.jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    return capture


def test_damaged_jpegs_are_left_out_and_the_numbers_go_on(machine):
    capture = JpegCapture(PHOTO, damaged={0, 2, 3})
    with Camera(0, 480, 512, 30, open_capture=lambda which: capture) as camera:
        frames = [camera.read() for _ in range(6)]
    assert [frame and frame.index for frame in frames] == [0, None, None, 1, 2, 3]
    np.testing.assert_array_equal(frames[3].yuv, frames[0].yuv)


@pytest.mark.parametrize("damage", [lambda jpeg: jpeg[: len(jpeg) // 2], lambda jpeg: b"\0\0" + jpeg[2:]])
def test_half_a_jpeg_and_one_without_a_beginning_are_left_out(machine, damage):
    capture = JpegCapture(PHOTO, damaged={1, 2})
    capture.damage = damage
    with Camera(0, 480, 512, 30, open_capture=lambda which: capture) as camera:
        frames = [camera.read() for _ in range(4)]
    assert [frame and (frame.index, frame.size) for frame in frames] == [(0, (480, 512)), None, None, (1, (480, 512))]


def test_a_camera_whose_every_jpeg_looks_damaged_is_left_to_opencv(machine):
    capture = JpegCapture(PHOTO, damaged=range(10**6))
    with Camera(0, 480, 512, 30, open_capture=lambda which: capture) as camera:
        np.testing.assert_array_equal(camera.read().pixels, PHOTO)


def test_nothing_but_damaged_jpegs_is_a_camera_that_sends_nothing(machine):
    clock = FakeClock()
    capture = JpegCapture(PHOTO, damaged=range(1, 10**6), clock=clock)
    with Camera(0, 480, 512, 30, open_capture=lambda which: capture, clock=clock) as camera:
        assert camera.read().index == 0
        refused("was unplugged or sends nothing", lambda: [camera.read() for _ in range(200)])


def test_a_camera_that_promises_jpegs_and_sends_others_is_left_to_opencv(machine):
    capture = JpegCapture(PHOTO, honest=False)
    with Camera(0, 480, 512, 30, open_capture=lambda which: capture) as camera:
        np.testing.assert_array_equal(camera.read().pixels, PHOTO)


def test_a_camera_of_5_frames_a_second_is_told(machine):
    with Camera(0, 480, 640, 30, open_capture=lambda which: Capture(fps=5.0)) as camera:
        assert camera.fps == 5 and camera.notice.endswith("5 frames a second where 30 were asked for")


def test_a_grey_camera_and_odd_sizes_pass(machine):
    capture = Capture(241, 321)
    capture.pixels = capture.pixels[:, :, 0]
    with Camera(0, 241, 321, 30, open_capture=lambda which: capture) as camera:
        assert camera.read().pixels.shape == (241, 321, 3)


def test_no_camera_says_which_there_are(machine):
    closed = Capture(opened=False)
    refused(
        r"there is no camera 3; cameras here: 0 \(HD Webcam\)", lambda: Camera(3, open_capture=lambda which: closed)
    )
    (machine / "DEV/video0").unlink()
    refused(
        "no camera was found: plug one in, or try `--source pattern`", lambda: Camera(0, open_capture=lambda _: closed)
    )


@pytest.mark.skipif(any(os.path.exists(f"/dev/video{number}") for number in range(10)), reason="a camera is here")
def test_opencv_itself_finds_no_camera_here():
    refused("there is no camera 0", lambda: Camera(0))


def test_a_busy_camera_names_who_holds_it(machine):
    process = machine / "PROC/4321"
    (process / "fd").mkdir(parents=True)
    (process / "comm").write_text("zoom\n")
    (process / "fd/7").symlink_to(machine / "DEV/video0")
    (machine / "PROC/self").mkdir()
    refused(
        r"video0 is busy, held by zoom \(4321\); close that program",
        lambda: Camera(0, open_capture=lambda which: Capture(opened=False)),
    )


def test_a_camera_that_may_not_be_opened_names_the_group(machine, monkeypatch):
    def forbidden(*_):
        raise PermissionError

    monkeypatch.setattr(devices.os, "open", forbidden)
    refused("usermod -aG video", lambda: Camera(0, open_capture=lambda which: Capture(opened=False)))


def test_a_camera_that_sends_nothing_is_told(machine):
    clock = FakeClock()
    refused(
        "sends no frame",
        lambda: Camera(0, open_capture=lambda which: Capture(times=0, clock=clock), clock=clock),
    )
    assert 3 <= clock.now - 100 <= 5


def test_an_unplugged_camera_is_lost_and_comes_back_with_its_count(machine):
    captures = [Capture(times=3), Capture(opened=False), Capture(times=5)]
    camera = Camera(0, open_capture=lambda which: captures.pop(0))
    assert [camera.read().index for _ in range(3)] == [0, 1, 2]
    (machine / "DEV/video0").unlink()
    refused("was unplugged or sends nothing; plug it in again", camera.read)
    refused("there is no camera 0", camera.reopen)
    (machine / "DEV/video0").touch()
    camera.reopen()
    assert [camera.read().index for _ in range(2)] == [3, 4]
    camera.close()


def test_a_camera_that_falls_silent_is_waited_for_three_seconds(machine):
    clock = FakeClock()
    camera = Camera(0, open_capture=lambda which: Capture(times=2, clock=clock), clock=clock)
    assert [camera.read().index for _ in range(2)] == [0, 1]
    assert [camera.read() for _ in range(3)] == [None] * 3
    refused("unplugged or sends nothing", camera.read)


# ---- what Linux tells of devices


def test_devices_tell_their_names_kinds_and_modes(machine, monkeypatch):
    (machine / "DEV/video10").touch()
    (machine / "SYS/class/video4linux/video10").mkdir()
    (machine / "SYS/class/video4linux/video10/name").write_text("Whetstone\n")

    def answers(path, request, buffer):
        loopback = path.name == "video10"
        if request == devices._QUERYCAP:
            driver = b"v4l2 loopback" if loopback else b"uvcvideo"
            bits = devices._OUTPUT if loopback else devices._CAPTURE
            struct.pack_into("<16s", buffer, 0, driver)
            struct.pack_into("<II", buffer, 84, devices._DEVICE_CAPS | 0xFF, bits)
            return buffer
        if request == devices._ENUM_FMT and struct.unpack_from("<I", buffer)[0] == 0:
            struct.pack_into("<4s", buffer, 44, b"MJPG")
            return buffer
        if request == devices._ENUM_SIZES and (index := struct.unpack_from("<I", buffer)[0]) < 2:
            struct.pack_into("<III", buffer, 8, 1, *((640, 480), (1280, 720))[index])
            return buffer
        if request == devices._ENUM_INTERVALS and struct.unpack_from("<I", buffer)[0] == 0:
            struct.pack_into("<II", buffer, 20, 1, 30)
            return buffer
        return None

    monkeypatch.setattr(devices, "_ask", answers)
    (camera,), (virtual,) = devices.cameras(), devices.virtual_cameras()
    assert (camera.name, camera.driver, camera.number) == ("HD Webcam", "uvcvideo", 0)
    assert (virtual.name, virtual.number, virtual.outputs) == ("Whetstone", 10, True)
    assert devices.modes(camera.path) == ["1280x720 at 30 in MJPG", "640x480 at 30 in MJPG"]


def test_a_plain_file_answers_no_question(machine):
    assert devices.modes(machine / "DEV/video0") == [] and devices.holders(machine / "DEV/video0") == []
    (device,) = devices.cameras()  # it may be a camera that this user may not ask
    assert device.name == "HD Webcam" and device.driver == ""


# ---- files


def test_a_video_is_played_at_its_pace_and_over_again(tmp_path):
    clock = FakeClock()
    clip = make_clip(tmp_path / "a.mp4", moving(5), fps=20)
    with VideoFile(clip, clock=clock, sleep=clock.sleep) as source:
        frames = [source.read() for _ in range(12)]
        assert (source.height, source.width, source.fps, source.ended) == (96, 128, 20, False)
    assert [frame.index for frame in frames] == list(range(12))
    np.testing.assert_array_equal(frames[0].pixels, frames[5].pixels)
    assert frames[-1].captured_at - frames[0].captured_at == pytest.approx(11 / 20)


def test_a_video_that_is_not_repeated_ends(tmp_path):
    with VideoFile(make_clip(tmp_path / "a.mp4", moving(5)), repeat=False, paced=False) as source:
        for index in range(5):
            assert not source.ended and source.read().index == index
        assert source.ended


def test_a_turned_video_is_upright(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", moving(2), rotation=90)
    with VideoFile(clip, paced=False) as source:
        assert source.read().pixels.shape == (128, 96, 3) and (source.height, source.width) == (128, 96)


def test_a_damaged_video_is_refused_in_one_line(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(100))
    refused("truncated", lambda: VideoFile(tmp_path / "a.mp4"), BadVideo)


def test_a_folders_pictures_come_in_the_order_of_names_in_their_own_sizes(tmp_path):
    for name, size, mode in (("b.png", (30, 20), "RGB"), ("a.png", (21, 33), "L"), ("c.png", (16, 16), "RGBA")):
        Image.new(mode, size).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("x")
    with PictureFolder(tmp_path, paced=False) as source:
        shapes = [source.read().pixels.shape for _ in range(4)]
    assert shapes == [(33, 21, 3), (20, 30, 3), (16, 16, 3), (33, 21, 3)]


def test_a_folder_without_pictures_is_refused(tmp_path):
    refused("no picture", lambda: PictureFolder(tmp_path), BadImage)
