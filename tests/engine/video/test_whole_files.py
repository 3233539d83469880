"""Laws of what is a whole video: one that was cut off is refused, one that hides or lacks frames on purpose is read."""

import os
from fractions import Fraction

import av
import numpy as np
import pytest

from engine.errors import BadVideo
from engine.video.sharpen import SharpenVideo
from tests.engine.video.clips import contents, make_clip, moving, remade
from tests.engine.video.jobs import Adds, refused, sharpened


def cut(path, share):
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    return path


def test_a_file_cut_off_before_its_index_is_refused_at_once(tmp_path):
    source = cut(make_clip(tmp_path / "in.mp4", moving(30)), 0.5)
    refused(BadVideo, "truncated", lambda: SharpenVideo(source, tmp_path / "out.mp4", Adds()))


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_a_file_cut_off_in_its_pictures_is_refused_and_nothing_is_written(tmp_path, share):
    clip = make_clip(tmp_path / "late.mp4", moving(60), options={"crf": "5"})
    source = cut(remade(clip, tmp_path / "in.mp4", container_options={"movflags": "+faststart"}), share)
    job = SharpenVideo(source, tmp_path / "out.mp4", Adds())
    refused(BadVideo, "truncated", lambda: list(job.run()))
    assert sorted(os.listdir(tmp_path)) == ["in.mp4", "late.mp4"]


def test_a_file_that_counts_no_frames_is_refused_by_its_length(tmp_path):
    whole = make_clip(tmp_path / "whole.mkv", moving(60), options={"crf": "5"}, sound=True)
    assert len(list(SharpenVideo(whole, tmp_path / "out.mkv", Adds()).run())) == 60
    late = make_clip(tmp_path / "late.mkv", moving(30), times=[3 + index / 25 for index in range(30)])
    assert len(list(SharpenVideo(late, tmp_path / "late-out.mkv", Adds()).run())) == 30
    job = SharpenVideo(cut(whole, 0.6), tmp_path / "short.mkv", Adds())
    refused(BadVideo, "truncated: it ends after .* of 2.4 s", lambda: list(job.run()))
    assert not (tmp_path / "short.mkv").exists()


@pytest.mark.parametrize("share", [0.5, 0.7, 0.9])
def test_a_fragmented_file_that_is_cut_off_is_refused(tmp_path, share):
    pieces = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    whole = make_clip(tmp_path / "in.mp4", moving(100), options={"g": "10", "crf": "5"}, container_options=pieces)
    assert len(list(SharpenVideo(whole, tmp_path / "out.mp4", Adds()).run())) == 100
    job = SharpenVideo(cut(whole, share), tmp_path / "short.mp4", Adds())
    refused(BadVideo, "truncated", lambda: list(job.run()))


@pytest.mark.parametrize("name", ["in.mp4", "in.mov"])
@pytest.mark.parametrize("reordered", [0, 3])
def test_a_clip_trimmed_by_an_edit_list_is_whole(tmp_path, name, reordered):
    long = make_clip(tmp_path / "long.mp4", moving(50), options={"g": "50", "bf": str(reordered)})
    source = remade(long, tmp_path / name, later_s=-0.8)  # the frames before 0 are needed, but not shown
    with av.open(str(source)) as container:
        assert container.streams.video[0].frames == 50 and len(contents(source).times) == 30
    after, _job = sharpened(source, tmp_path / "out.mp4")
    assert len(after.times) == 30 and after.seconds == pytest.approx(1.2, abs=0.01)
    early = remade(long, tmp_path / "early.mp4", later_s=-0.8, container_options={"movflags": "+faststart"})
    job = SharpenVideo(cut(early, 0.8), tmp_path / "short.mp4", Adds())
    refused(BadVideo, "truncated|damaged", lambda: list(job.run()))


def test_a_clip_whose_edit_list_hides_its_end_is_whole(tmp_path):
    source = make_clip(tmp_path / "in.mp4", moving(50))
    data = bytearray(source.read_bytes())
    place = data.index(b"elst") + 12  # the length of the first edit, in the movie's own units, of 1/1000 s
    assert int.from_bytes(data[place : place + 4], "big") == 2000
    data[place : place + 4] = (1000).to_bytes(4, "big")
    source.write_bytes(data)
    seen = len(contents(source).times)
    assert 24 <= seen <= 27
    assert len(sharpened(source, tmp_path / "out.mp4")[0].times) == seen


def test_an_avi_without_some_frames_is_whole_and_its_times_are_kept(tmp_path):
    full = make_clip(tmp_path / "full.avi", moving(60), coder="mpeg4", options={"g": "1"}, base=Fraction(1, 25))
    source = remade(full, tmp_path / "in.avi", kept=lambda index: index % 5 not in (2, 3))
    with av.open(str(source)) as container:
        assert container.streams.video[0].frames > 50
    after, _job = sharpened(source, tmp_path / "out.mkv")
    assert [round(25 * at_s) for at_s in after.times] == [index for index in range(60) if index % 5 not in (2, 3)]


def test_frames_of_an_avi_that_were_coded_out_of_order_come_evenly(tmp_path):
    pictures = moving(40)
    source = make_clip(tmp_path / "in.avi", pictures, options={"bf": "3", "crf": "10"}, base=Fraction(1, 25))
    after, _job = sharpened(source, tmp_path / "out.mkv")
    assert np.diff(after.times) == pytest.approx(np.full(39, 1 / 25), abs=0.002)
    for pixels, new in zip(pictures, after.rgb, strict=True):
        assert new.mean() - pixels.mean() == pytest.approx(20, abs=2)
