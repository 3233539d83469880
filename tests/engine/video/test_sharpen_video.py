"""Laws of a sharpened video: every frame in order, sharper, and all else as it was; what cannot be done is one line."""

import os
import signal
import subprocess
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from engine.errors import BadOutput, BadSetting, BadVideo
from engine.live.steady import Steady
from engine.live.stream_sharpener import StreamSharpener
from engine.video.luma import workable_format
from engine.video.sharpen import SharpenVideo, checked_quality, target_of
from engine.video.writer import VideoWriter
from tests.engine.small_disk import small_disk
from tests.engine.students_for_tests import random_card
from tests.engine.video.clips import contents, make_clip, moving, tone
from tests.engine.video.jobs import Adds, refused, sharpened

ROOT = Path(__file__).resolve().parents[3]
CLIPS = ROOT.parent / "shared" / "data" / "video"


def test_every_frame_in_order_at_its_time_and_the_sound_as_it_was(tmp_path):
    pictures = moving(40)
    for index, pixels in enumerate(pictures):
        pixels[:16] = 40 + 4 * index  # the top says which frame it is
    source = make_clip(tmp_path / "in.mp4", pictures, sound=True)
    before, (after, job) = contents(source), sharpened(source, tmp_path / "out.mp4")
    assert after.times == before.times and len(after.times) == 40 == job.frames
    assert after.seconds == pytest.approx(before.seconds, abs=0.001)
    assert after.sound == before.sound and len(after.sound) > 50
    for old, new in zip(before.rgb, after.rgb):
        assert new[4:12].mean() - old[4:12].mean() == pytest.approx(20, abs=1.5)


def test_chroma_and_colour_tags_are_untouched(tmp_path):
    # BT.709 video range: matrix, primaries and transfer 1, range 1 (H.273)
    tags = [("color_range", 1), ("colorspace", 1), ("color_primaries", 1), ("color_trc", 1)]
    source = make_clip(tmp_path / "in.mp4", moving(6), tags=tags, options={"crf": "10"})
    before, (after, job) = contents(source), sharpened(source, tmp_path / "out.mp4", quality=0)
    assert after.tags == before.tags == (1, 1, 1, 1) and job.notices == []
    assert after.chroma == before.chroma  # quality 0 is lossless


@pytest.mark.parametrize("coder, pixel_format", [("libx264rgb", "rgb24"), ("qtrle", "rgb24"), ("png", "rgb24")])
def test_colours_coded_as_rgb_stay_what_they_were(tmp_path, coder, pixel_format):
    bars = np.zeros((96, 128, 3), np.uint8)
    for index, colour in enumerate([(200, 40, 40), (230, 180, 60), (40, 200, 40), (30, 60, 220)]):
        bars[:, 32 * index : 32 * index + 32] = colour
    options = {"crf": "0"} if coder == "libx264rgb" else {}
    source = make_clip(tmp_path / "in.mov", [bars] * 3, coder=coder, pixel_format=pixel_format, options=options)
    after, job = sharpened(source, tmp_path / "out.mkv", strength=0, quality=0)
    assert np.abs(after.rgb[1].astype(int) - bars).max() <= 2 and after.tags[:2] == (1, 1)  # video range, BT.709
    assert job.notices == [f"pixels {contents(source).first.format.name} are written as yuv444p"]


def test_a_variable_frame_rate_keeps_its_times(tmp_path):
    times = [0, 0.04, 0.08, 0.5, 0.51, 0.6, 1.4, 1.45, 2.0]
    source = make_clip(tmp_path / "in.mp4", moving(9), times=times)
    adds = Adds()
    after, _ = sharpened(source, tmp_path / "out.mp4", adds)
    assert after.times == pytest.approx(times, abs=1e-4) and adds.times == pytest.approx(times, abs=1e-4)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_the_rotation_is_kept_and_pixels_are_not_turned(tmp_path, rotation):
    source = make_clip(tmp_path / "in.mp4", moving(3), rotation=rotation)
    after, _ = sharpened(source, tmp_path / "out.mp4")
    assert after.first.rotation % 360 == rotation and (after.first.width, after.first.height) == (128, 96)


def test_ten_bits_stay_ten_bits(tmp_path):
    ramp = np.tile(np.linspace(20, 220, 128)[None, :, None], (96, 1, 3)).round().astype(np.uint8)
    source = make_clip(tmp_path / "in.mp4", [ramp] * 4, pixel_format="yuv420p10le", options={"crf": "4"})
    after, job = sharpened(source, tmp_path / "out.mp4", Adds(10.0), quality=0)
    assert after.first.format.name == "yuv420p10le" and job.notices == []

    def luma(path):
        with av.open(str(path)) as container:
            plane = next(container.decode(video=0)).planes[0]
            return np.frombuffer(plane, np.uint16).reshape(-1, plane.line_size // 2)[:, :128].astype(int)

    step = luma(tmp_path / "out.mp4") - luma(source)
    # 10 levels of 255 are 34.35 of the 876 from black to white in ten bits; this coder loses a level or two
    assert step.mean() == pytest.approx(34.35, abs=0.5) and np.abs(step - 34).max() <= 2
    assert len(np.unique(luma(tmp_path / "out.mp4") % 4)) == 4  # more finely than eight bits could


def test_full_range_luma_is_taken_as_it_is_and_video_range_is_stretched(tmp_path):
    seen = []

    class Looks(Adds):
        def luma_change(self, luma, at_s, strength, rgb=None):
            seen.append(luma.copy())
            return super().luma_change(luma, at_s, strength)

    white = [np.full((32, 64, 3), 255, np.uint8)] * 2
    for name, pixel_format in (("video", "yuv420p"), ("full", "yuvj420p"), ("ten", "yuv420p10le")):
        source = make_clip(tmp_path / f"{name}.mp4", white, pixel_format=pixel_format, options={"crf": "1"})
        sharpened(source, tmp_path / f"{name}-out.mp4", Looks(0.0))
        assert abs(int(seen[-1].mean()) - 255) <= 1, name
    black = make_clip(tmp_path / "black.mp4", [np.zeros((32, 64, 3), np.uint8)] * 2)
    sharpened(black, tmp_path / "black-out.mp4", Looks(0.0))
    assert seen[-1].max() <= 1


def test_an_odd_size_keeps_its_size_and_says_how(tmp_path):
    source = make_clip(tmp_path / "in.mkv", moving(3, 97, 131), coder="ffv1")
    after, job = sharpened(source, tmp_path / "out.mkv")
    assert (after.first.width, after.first.height) == (131, 97)
    assert job.notices == ["pixels yuv420p are written as yuv444p"]


@pytest.mark.parametrize(
    "name, height, width, expected",
    [
        ("yuv420p", 96, 128, "yuv420p"), ("yuvj420p", 96, 128, "yuvj420p"), ("nv12", 96, 128, "yuv420p"),
        ("yuv422p", 96, 128, "yuv422p"), ("yuv422p", 97, 128, "yuv422p"), ("yuv422p", 96, 127, "yuv444p"),
        ("yuv420p", 97, 128, "yuv444p"), ("p010le", 96, 128, "yuv420p10le"), ("yuv444p12le", 96, 128, "yuv444p10le"),
        ("rgb24", 96, 128, "yuv444p"), ("pal8", 96, 128, "yuv444p"), ("gray", 97, 127, "gray"),
        ("yuva420p", 96, 128, "yuv420p"), ("gbrp10le", 96, 128, "yuv444p10le"),
    ],
)  # fmt: skip
def test_the_pixel_format_is_the_nearest_that_h264_has(name, height, width, expected):
    assert workable_format(av.VideoFormat(name, width, height), height, width) == expected


def test_a_real_student_measures_and_sharpens_the_video(tmp_path):
    clear = moving(8, 240, 320)
    source = make_clip(tmp_path / "in.mp4", clear, options={"crf": "8"})
    before = contents(source)
    with StreamSharpener("nano", steady=Steady()) as sharpener:
        after, _ = sharpened(source, tmp_path / "out.mp4", sharpener)
        assert sharpener.degradation is not None

    def detail(pixels):
        return float(np.abs(np.diff(pixels.astype(np.float32), axis=1)).mean())

    assert all(detail(new) > 1.1 * detail(old) for old, new in zip(before.rgb, after.rgb))


def test_strength_0_changes_nothing_but_the_coding(tmp_path):
    source = make_clip(tmp_path / "in.mp4", moving(4))
    before, (after, _) = contents(source), sharpened(source, tmp_path / "out.mp4", strength=0, quality=0)
    np.testing.assert_array_equal(after.rgb, before.rgb)


def test_a_student_of_colours_is_given_colours(tmp_path):
    source = make_clip(tmp_path / "in.mp4", moving(2, 32, 48))
    with StreamSharpener(random_card("report"), backend="onnx") as sharpener:
        after, _ = sharpened(source, tmp_path / "out.mp4", sharpener)
    assert len(after.times) == 2


# ---- what cannot be read


def test_quality_0_is_lossless_in_10_bits(tmp_path):
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (96, 128, 3), np.uint8) for _ in range(4)]
    source = make_clip(tmp_path / "in.mkv", noise, pixel_format="yuv420p10le", options={"qp": "8"})
    sharpened(source, tmp_path / "out.mkv", strength=0, quality=0)
    for one, other in zip(ten_bits(source), ten_bits(tmp_path / "out.mkv"), strict=True):
        assert np.array_equal(one, other)


def ten_bits(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray() for frame in container.decode(video=0)]


def test_which_sound_players_choose_stays(tmp_path):
    source = tmp_path / "in.mkv"
    kinds = [av.stream.Disposition.comment, av.stream.Disposition.default]
    with av.open(str(source), "w") as container:
        stream = container.add_stream("libx264", rate=25, width=128, height=96)
        voices = [container.add_stream("aac", rate=48_000) for _ in kinds]
        for voice, kind in zip(voices, kinds, strict=True):
            voice.disposition = kind  # before anything is written
        for voice in voices:
            container.mux(voice.encode(tone(0.4)))
            container.mux(voice.encode(None))
        for pixels in moving(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    sharpened(source, tmp_path / "out.mkv")
    for name in ("in.mkv", "out.mkv"):
        with av.open(str(tmp_path / name)) as container:
            assert [voice.disposition for voice in container.streams.audio] == kinds


def test_sound_that_a_container_refuses_late_is_one_line_that_names_the_way_out(tmp_path):
    source = tmp_path / "in.mkv"
    with av.open(str(source), "w") as container:
        stream, voice = container.add_stream("libx264", rate=25), container.add_stream("libopus", rate=48_000)
        stream.width, stream.height = 128, 96
        container.mux(voice.encode(tone(0.4)))
        container.mux(voice.encode(None))
        for pixels in moving(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    job = SharpenVideo(source, tmp_path / "out.mov", Adds())
    refused(
        BadOutput,
        r"^\.mov cannot hold the sound of .*\(opus\); end the name of the result in \.mkv$",
        lambda: list(job.run()),
    )
    assert os.listdir(tmp_path) == ["in.mkv"]
    sharpened(source, tmp_path / "out.mkv")


def test_transparency_that_only_a_tag_tells_of_is_said_to_go(tmp_path):
    with av.open(str(tmp_path / "in.webm"), "w") as container:
        stream = container.add_stream("libvpx", rate=25, width=128, height=96)
        stream.metadata["alpha_mode"] = "1"
        for pixels in moving(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    _after, job = sharpened(tmp_path / "in.webm", tmp_path / "out.mkv")
    assert job.notices == ["its transparency is not in the result, which H.264 cannot hold"]
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert "alpha_mode" not in {name.lower() for name in container.streams.video[0].metadata}


@pytest.mark.parametrize(
    "levels, said", [(0, "no pixel was changed"), (0.4, "no pixel was changed"), (0.6, "hardly"), (20, None)]
)
def test_a_clip_that_nothing_is_added_to_is_said_to_be_sharp(tmp_path, levels, said):
    class AddsToTheFirst(Adds):
        def luma_change(self, *words, **more):
            change = super().luma_change(*words, **more)
            return change if len(self.times) == 1 or self.levels == 20 else 0 * change

    source = make_clip(tmp_path / "in.mp4", moving(30))
    _after, job = sharpened(source, tmp_path / "out.mp4", AddsToTheFirst(levels))
    assert len(job.notices) == (said is not None) and all(
        notice.startswith("it is measured as sharp already") and said in notice for notice in job.notices
    )
    assert sharpened(source, tmp_path / "as-it-was.mp4", AddsToTheFirst(0), strength=0)[1].notices == []


def test_sound_alone_and_other_files_are_no_video(tmp_path):
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        voice = container.add_stream("aac", rate=48_000)
        container.mux(voice.encode(tone(0.5)))
        container.mux(voice.encode(None))
    (tmp_path / "text.mp4").write_text("no video at all " * 100)
    (tmp_path / "empty.mp4").touch()
    for name, reason in (("sound", "no moving pictures"), ("text", "as a video"), ("empty", "as a video")):
        refused(BadVideo, reason, lambda: SharpenVideo(tmp_path / f"{name}.mp4", tmp_path / "out.mp4", Adds()))  # noqa: B023
    refused(BadVideo, "does not exist", lambda: SharpenVideo(tmp_path / "none.mp4", tmp_path / "out.mp4", Adds()))
    refused(BadVideo, "is a folder", lambda: SharpenVideo(tmp_path, tmp_path / "out.mp4", Adds()))


def test_a_video_without_a_frame_is_refused(tmp_path):
    with av.open(str(tmp_path / "in.mkv"), "w") as container:
        container.add_stream("libx264", rate=25, width=64, height=48)
        voice = container.add_stream("aac", rate=48_000)
        container.mux(voice.encode(tone(0.5)))
        container.mux(voice.encode(None))
    job = SharpenVideo(tmp_path / "in.mkv", tmp_path / "out.mkv", Adds())
    refused(BadVideo, "holds no frame", lambda: list(job.run()))
    assert os.listdir(tmp_path) == ["in.mkv"]


# ---- where it goes


def test_the_result_lies_beside_in_a_container_that_can_be_written(tmp_path):
    for name, expected in (("a.mp4", "a-sharp.mp4"), ("a.MOV", "a-sharp.MOV"), ("a.webm", "a-sharp.mkv")):
        assert target_of(tmp_path / name) == tmp_path / expected
    (tmp_path / "out").mkdir()
    assert target_of(tmp_path / "a.avi", tmp_path / "out") == tmp_path / "out" / "a.mkv"
    assert target_of(tmp_path / "a.mp4", tmp_path) == tmp_path / "a.mp4"


def test_places_that_cannot_be_are_refused(tmp_path):
    source = make_clip(tmp_path / "a.mp4", moving(2))
    (tmp_path / "there.mp4").touch()
    refused(BadOutput, "never overwritten", lambda: target_of(source, source, overwrite=True))
    refused(BadOutput, "exists already", lambda: target_of(source, tmp_path / "there.mp4"))
    refused(BadOutput, "end it in .mp4", lambda: target_of(source, tmp_path / "x.avi"))
    refused(BadOutput, "does not exist", lambda: target_of(source, tmp_path / "no" / "x.mp4"))
    assert target_of(source, tmp_path / "there.mp4", overwrite=True)


def test_a_quality_is_a_word_or_a_number():
    assert [checked_quality(word) for word in ("high", "small", "23", "0")] == [16, 25, 23, 0]
    for wrong in ("best", "52", "-1", "nan", ""):
        refused(BadSetting, "high, medium, small or a number", lambda: checked_quality(wrong))  # noqa: B023


def test_a_lower_quality_is_a_smaller_file(tmp_path):
    source = make_clip(tmp_path / "in.mp4", moving(10), options={"crf": "5"})
    for quality in (16, 25):
        sharpened(source, tmp_path / f"{quality}.mp4", quality=quality)
    assert (tmp_path / "25.mp4").stat().st_size < 0.7 * (tmp_path / "16.mp4").stat().st_size


def test_sound_that_the_container_cannot_hold_is_refused_with_the_one_that_can(tmp_path):
    source = tmp_path / "in.mkv"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("libx264", rate=25, width=128, height=96)
        voice = container.add_stream("pcm_u8", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.full((1, 16_000), 128, np.uint8), format="u8", layout="stereo")
        sound.sample_rate, sound.pts = 8000, 0
        container.mux(voice.encode(sound))
        for pixels in moving(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    job = SharpenVideo(source, tmp_path / "out.mp4", Adds())
    refused(BadOutput, "end the name of the result in .mkv", lambda: list(job.run()))
    after, _ = sharpened(source, tmp_path / "out.mkv")
    assert after.sound == contents(source).sound != []


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_sound_whose_channels_are_not_named_is_copied(tmp_path, suffix):
    source = tmp_path / "in.mkv"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("libx264", rate=25, width=128, height=96)
        voice = container.add_stream("pcm_s16le", rate=8000, layout="stereo")
        sound = av.AudioFrame.from_ndarray(np.full((1, 16_000), 9, np.int16), format="s16", layout="stereo")
        sound.sample_rate, sound.pts = 8000, 0
        container.mux(voice.encode(sound))
        for pixels in moving(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    after, _ = sharpened(source, tmp_path / f"out{suffix}")
    assert b"".join(after.sound) == b"".join(contents(source).sound) != b""


def test_left_in_its_middle_it_leaves_nothing(tmp_path):
    source = make_clip(tmp_path / "in.mp4", moving(30), sound=True)
    run = SharpenVideo(source, tmp_path / "out.mp4", Adds()).run()
    for _ in range(5):
        next(run)
    run.close()
    assert os.listdir(tmp_path) == ["in.mp4"]
    assert not [thread for thread in threading.enumerate() if "whetstone" in thread.name]


def test_a_student_that_fails_stops_the_job_and_leaves_nothing(tmp_path):
    class Fails(Adds):
        def luma_change(self, *args):
            raise RuntimeError("backend on fire")

    source = make_clip(tmp_path / "in.mp4", moving(5))
    with pytest.raises(RuntimeError, match="on fire"):
        list(SharpenVideo(source, tmp_path / "out.mp4", Fails()).run())
    assert os.listdir(tmp_path) == ["in.mp4"]


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        rng = np.random.default_rng(0)
        source = make_clip(tmp_path / "in.mp4", [rng.integers(0, 255, (240, 320, 3), np.uint8) for _ in range(20)])
        job = SharpenVideo(source, disk / "out.mp4", Adds(), quality=1)
        refused(BadOutput, "the disk of .* is full", lambda: list(job.run()))
        assert os.listdir(disk) == []


def test_what_comes_after_a_full_disk_is_refused_as_well(tmp_path):
    rng = np.random.default_rng(0)
    with small_disk(tmp_path / "disk") as disk:
        writer = VideoWriter(disk / "a.mp4", height=240, width=320, rate=25, time_base=Fraction(1, 25), quality=1)

        def write(count):
            for index in range(count):
                noise = rng.integers(0, 255, (240, 320, 3), np.uint8)
                frame = av.VideoFrame.from_ndarray(noise, format="rgb24").reformat(format="yuv420p")
                frame.pts, frame.time_base = index, Fraction(1, 25)
                writer.write(frame)

        refused(BadOutput, "the disk of .* is full", lambda: write(100))
        refused(BadOutput, "the disk of .* is full", lambda: write(1))  # frames on their way: it crashed
        refused(BadOutput, "the disk of .* is full", writer.finish)
        writer.discard()
        assert os.listdir(disk) == []


# ---- the command


def launch(*words):
    command = [sys.executable, ROOT / "launch.py", "sharpen", *map(str, words), "--model", "nano"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_command_says_what_it_wrote(tmp_path):
    source = make_clip(tmp_path / "in.mp4", moving(5))
    out, err = (process := launch(source)).communicate(timeout=300)
    assert process.returncode == 0, err
    assert out.startswith(f"{tmp_path / 'in-sharp.mp4'}  (128 x 96, 5 frames") and "blur" in out
    assert len(contents(tmp_path / "in-sharp.mp4").times) == 5


def test_the_command_refuses_in_one_line(tmp_path):
    (tmp_path / "in.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(50))
    out, err = (process := launch(tmp_path / "in.mp4", "--quiet")).communicate(timeout=300)
    assert process.returncode == 2 and out == ""
    assert err.startswith("whetstone: ") and err.count("\n") == 1 and "truncated" in err


def test_jpegs_one_after_another_are_a_video(tmp_path):
    make_clip(tmp_path / "in.mjpeg", moving(12), coder="mjpeg", pixel_format="yuvj420p")
    out, err = (process := launch(tmp_path / "in.mjpeg")).communicate(timeout=300)
    assert process.returncode == 0 and "12 frames" in out, err
    assert len(contents(tmp_path / "in-sharp.mkv").times) == 12


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent as a signal")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_a_polite_kill_leave_no_broken_file(tmp_path, how):
    source = make_clip(tmp_path / "in.mp4", moving(3000, 32, 48), options={"preset": "ultrafast"})
    process = launch(source)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(".whetstone-*")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(how)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130 and "nothing was written" in err and "Traceback" not in err
    assert os.listdir(tmp_path) == ["in.mp4"]


@pytest.mark.skipif(not CLIPS.is_dir(), reason="needs the clips of ../shared/data/video")
def test_a_real_clip_keeps_its_frames_and_times(tmp_path):
    source = CLIPS / "clip_01.mp4"
    after, job = sharpened(source, tmp_path / "out.mp4", quality=25)
    assert after.times == contents(source).times and len(after.times) == 109
    assert job.notices == []
