"""Laws of a batch: each result has a place of its own, none takes a source's, and what is done is whole."""

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine.batch
from engine.batch import Batch, Settings, plan
from engine.errors import BadImage, BadOutput
from engine.images import read_picture
from tests.engine.picture_files import photo, saved

PNG = saved(photo(20, 30), "PNG")
JPEG = saved(photo(20, 30), "JPEG")


def inverted(pixels, strength):
    return 255 - pixels


def tree(folder, files):
    """Makes the files, name -> bytes, with their folders; returns the folder."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    folder.mkdir(exist_ok=True)
    return folder


def moves(work, root):
    return {str(job.source.relative_to(root)): str(job.target.relative_to(root)) for job in work.jobs}


def refused(error, function, *words):
    with pytest.raises(error) as caught:
        function()
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


# ---- where the result of one picture goes


@pytest.mark.parametrize(
    "out, place, format",
    [
        (None, "in/a b-sharp.png", None),
        ("results", "results/a b.png", None),
        ("in", "in/a b-sharp.png", None),
        ("x.jpg", "x.jpg", "JPEG"),
        ("x.TIFF", "x.TIFF", "TIFF"),
        ("in/y.webp", "in/y.webp", "WEBP"),
    ],
)
def test_out_says_where_one_picture_goes_and_as_what(tmp_path, monkeypatch, out, place, format):
    tree(tmp_path, {"in/a b.png": PNG})
    (tmp_path / "results").mkdir()
    monkeypatch.chdir(tmp_path)
    (job,) = plan("in/a b.png", out).jobs
    assert (job.target, job.format) == (Path(place), format)


def test_an_impossible_out_is_refused_before_anything_is_read(tmp_path):
    source = tree(tmp_path, {"a.png": b"not even a picture", "there.png": b"precious"}) / "a.png"
    refused(BadOutput, lambda: plan(source, tmp_path / "new" / "b.png"), "does not exist", "create it first")
    refused(BadOutput, lambda: plan(source, f"{tmp_path}/new/"), "does not exist")
    refused(BadOutput, lambda: plan(source, tmp_path / "b.gif"), "b.gif", ".jpg .png .webp .bmp .tif")
    refused(BadOutput, lambda: plan(source, tmp_path / "b"), "which format")
    refused(BadOutput, lambda: plan(source, tmp_path / "there.png"), "exists already", "--overwrite")
    for overwrite in (False, True):
        refused(BadOutput, lambda o=overwrite: plan(source, source, overwrite=o), "never overwritten")
    assert plan(source, tmp_path / "there.png", overwrite=True).jobs[0].target.name == "there.png"


def test_a_source_that_is_not_there_or_a_video_is_named(tmp_path):
    refused(BadImage, lambda: plan(tmp_path / "none.jpg"), "none.jpg does not exist")
    film = tree(tmp_path, {"film.mp4": b"\0\0\0\x18ftypmp42" + bytes(50)}) / "film.mp4"
    refused(BadImage, lambda: plan(film), "film.mp4 is a video", "engine.video.sharpen")


# ---- where the results of a folder go


def test_a_folder_keeps_its_subfolders_and_leaves_alone_what_is_no_picture(tmp_path):
    source = tree(
        tmp_path / "My photos",
        {
            "one.png": PNG,
            "deep/er/zwei \u00e4\u6cb3.JPG": JPEG,
            "deep/no suffix": JPEG,
            "deep/wrong.txt": PNG,
            "notes.txt": b"dear diary",
            "film.mp4": b"\0\0\0\x18ftypmp42" + bytes(50),
            ".hidden.png": PNG,
            ".thumbnails/one.png": PNG,
        },
    )
    work = plan(source)
    assert moves(work, tmp_path) == {
        f"My photos/{name}": f"My photos-sharp/{name}"
        for name in ("one.png", "deep/er/zwei \u00e4\u6cb3.JPG", "deep/no suffix", "deep/wrong.txt")
    }
    assert work.others == 2 and not work.folder.exists()
    assert len(plan(source, recursive=False).jobs) == 1


def test_earlier_results_are_not_sharpened_again(tmp_path):
    source = tree(
        tmp_path / "in",
        {
            "a.png": PNG,
            "a-sharp.png": PNG,
            "razor-sharp.png": PNG,
            "sub/b.png": PNG,
            "sub-sharp/b.png": PNG,
            "out/a.png": PNG,
        },
    )
    work = plan(source, source / "out")
    assert set(moves(work, tmp_path)) == {"in/razor-sharp.png", "in/sub/b.png"} and work.done_before == 1


def test_results_that_exist_are_left_as_they_are_and_counted(tmp_path):
    source = tree(tmp_path / "in", {"a.png": PNG, "b.png": PNG, "c.png": PNG})
    tree(tmp_path / "in-sharp", {"b.png": b"done before"})
    work = plan(source)
    assert [job.source.name for job in work.jobs] == ["a.png", "c.png"] and work.done_before == 1
    assert len(plan(source, overwrite=True).jobs) == 3


def test_the_folder_of_results_is_beside_the_folder_however_it_is_called(tmp_path, monkeypatch):
    tree(tmp_path / "in", {"a.png": PNG, "sub/b.png": PNG})
    monkeypatch.chdir(tmp_path / "in")
    assert plan(".").folder == tmp_path / "in-sharp"
    assert plan("..").folder == tmp_path.with_name(tmp_path.name + "-sharp")
    assert plan("sub/").folder == Path("sub-sharp")


def test_an_impossible_folder_for_results_is_refused(tmp_path):
    source = tree(tmp_path / "in", {"a.png": PNG})
    tree(tmp_path, {"file.png": PNG})
    refused(BadOutput, lambda: plan(source, source), "is the folder that is read")
    refused(BadOutput, lambda: plan(source, tmp_path / "file.png"), "file.png is the name of a file")
    refused(BadOutput, lambda: plan(source, tmp_path / "new.jpg"), "new.jpg is the name of a file")
    refused(BadOutput, lambda: plan(source, tmp_path / "new" / "deep"), "new does not exist")
    refused(BadImage, lambda: plan(tree(tmp_path / "empty", {"readme": b"text"})), "no picture", "JPEG, PNG, WebP")


def test_a_result_never_takes_the_place_of_a_picture_that_is_read(tmp_path):
    source = tree(tmp_path / "p" / "2020", {"a.png": PNG, "2020/a.png": PNG})
    # p/2020/2020/a.png would become p/2020/a.png, which is read too
    refused(BadOutput, lambda: plan(source, tmp_path / "p", overwrite=True), "take the place of", "choose another")


def test_a_folder_inside_the_one_that_is_read_takes_results_but_no_original_is_passed_over_or_replaced(tmp_path):
    source = tree(tmp_path / "in", {"a.png": PNG, "holiday/b.png": PNG, ".album/a.png": PNG})
    refused(BadOutput, lambda: plan(source, source / "holiday"), "b.png may be an original", "lies inside")
    (source / "holiday" / "b.png").rename(source / "holiday" / "a.png")  # now it stands where a result would
    for folder in ("holiday", ".album"):
        for recursive in (True, False):
            refused(
                BadOutput,
                lambda f=folder, r=recursive: plan(source, source / f, overwrite=True, recursive=r),
                "a.png may be an original",
            )
    (source / "empty").mkdir()
    assert len(plan(source, source / "empty", overwrite=True).jobs) == 2
    (tmp_path / "link").symlink_to(source / "holiday")
    refused(BadOutput, lambda: plan(source, tmp_path / "link", overwrite=True), "may be an original")


def test_a_file_where_the_results_need_a_folder_is_named(tmp_path):
    source = tree(tmp_path / "in", {"sub/deep/a.png": PNG})
    tree(tmp_path / "out", {"sub": b"a file"})
    refused(BadOutput, lambda: plan(source, tmp_path / "out"), f"{tmp_path / 'out' / 'sub'} is a file", "move it away")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_line_break_in_a_name_does_not_make_two_lines(tmp_path):
    refused(BadImage, lambda: plan(tmp_path / "a\nb.png"), "a?b.png does not exist")
    source = tree(tmp_path, {"a\nb.png": PNG, "a\nb-sharp.png": PNG}) / "a\nb.png"
    refused(BadOutput, lambda: plan(source), "a?b-sharp.png exists already")
    job = plan(source, overwrite=True).jobs[0]
    refused(BadOutput, lambda: list(Batch((job,), inverted).run()), "a?b-sharp.png exists already")


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps a folder that someone is in")
def test_a_current_folder_that_was_deleted_is_said(tmp_path, monkeypatch):
    elsewhere = tree(tmp_path / "in", {"a.png": PNG})
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    refused(BadImage, lambda: plan("."), "the current folder exists no more")
    refused(BadImage, lambda: plan(elsewhere, "out"), "the current folder exists no more")
    assert len(plan(elsewhere).jobs) == 1


def test_links_to_folders_are_not_followed_and_loops_end(tmp_path):
    source = tree(tmp_path / "in", {"a.png": PNG, "sub/b.png": PNG})
    (source / "sub" / "up").symlink_to(source)
    (source / "itself").symlink_to("itself")
    (source / "linked.png").symlink_to(source / "a.png")
    assert {job.source.name for job in plan(source).jobs} == {"a.png", "b.png", "linked.png"}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may look everywhere")
def test_a_folder_that_cannot_be_looked_into_is_named(tmp_path):
    source = tree(tmp_path / "in", {"a.png": PNG, "closed/b.png": PNG})
    (source / "closed").chmod(0)
    work = plan(source)
    (source / "closed").chmod(0o755)
    assert len(work.jobs) == 1 and "closed cannot be looked into" in work.unread[0]


NAMES = st.sampled_from(
    ["a.png", "a-sharp.png", "A.PNG", "b.jpg", "b", "-sharp.png", "-sharp", "d", "d-sharp", "x y.tif"]
)


@given(paths=st.lists(st.lists(NAMES, min_size=1, max_size=3), min_size=1, max_size=8), inside=st.booleans())
def test_in_any_tree_each_result_has_a_place_of_its_own(paths, inside):
    with tempfile.TemporaryDirectory() as root:
        source = Path(root, "in")
        source.mkdir()
        for parts in paths:
            path = source.joinpath(*parts)
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(PNG)
            except OSError:
                continue  # a file where this one needs a folder
        out = source / "out" if inside else None
        try:
            work = plan(source, out)
        except BadImage:
            return
        results = list(Batch(work.jobs, inverted).run())
        assert not any(result.error for result in results)
        targets = [job.target for job in work.jobs]
        assert len(set(targets)) == len(targets) and not set(targets) & {job.source for job in work.jobs}
        for job in work.jobs:
            assert job.source.read_bytes() == PNG
            np.testing.assert_array_equal(read_picture(job.target).pixels, 255 - photo(20, 30))
        assert plan(source, out).jobs == ()  # nothing is left to do


# ---- running


def ten(tmp_path, **changes):
    files = {f"{number}.png": saved(photo(20, 30, seed=number), "PNG") for number in range(10)}
    return tree(tmp_path / "in", {**files, **changes})


def test_one_broken_picture_among_ten_leaves_nine_done_in_order(tmp_path):
    source = ten(tmp_path, **{"4.png": PNG[:100]})
    batch = Batch(plan(source).jobs, inverted)
    outcomes = list(batch.run())
    assert [outcome.job.source.name for outcome in outcomes] == [f"{number}.png" for number in range(10)]
    assert [bool(outcome.error) for outcome in outcomes] == [number == 4 for number in range(10)]
    assert "4.png" in str(outcomes[4].error) and len(batch.written) == 9
    for number in set(range(10)) - {4}:
        found = read_picture(tmp_path / "in-sharp" / f"{number}.png").pixels
        np.testing.assert_array_equal(found, 255 - photo(20, 30, seed=number))


@pytest.mark.parametrize("limit", [10**9, 1], ids=["side by side", "each alone"])
def test_the_results_are_the_same_whether_pictures_overlap_or_not(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(engine.batch, "OVERLAP_PIXELS", limit)
    source = ten(tmp_path, **{"4.png": b"no picture", "7.png": JPEG})
    outcomes = list(Batch(plan(source).jobs, inverted).run())
    assert [bool(outcome.error) for outcome in outcomes] == [number == 4 for number in range(10)]
    assert outcomes[7].notices == ("its name says .png, but it holds JPEG; so does the result",)
    assert read_picture(tmp_path / "in-sharp" / "7.png").format == "JPEG"


def test_large_pictures_are_held_one_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(engine.batch, "OVERLAP_PIXELS", 1)
    there_at_the_time = []

    def watching(pixels, strength):
        there_at_the_time.append(len(list((tmp_path / "in-sharp").glob("*"))))
        return pixels

    list(Batch(plan(ten(tmp_path)).jobs, watching).run())
    assert there_at_the_time == list(range(10))  # each was written before the next was sharpened


def test_the_limit_of_pixels_holds_for_each_picture(tmp_path):
    source = tree(tmp_path / "in", {"a.png": PNG, "b.png": saved(photo(40, 40), "PNG")})
    for limit, refused_names in ((599, ["a.png", "b.png"]), (600, ["b.png"]), (1600, [])):
        outcomes = Batch(plan(source, overwrite=True).jobs, inverted, Settings(max_pixels=limit, overwrite=True)).run()
        assert [outcome.job.source.name for outcome in outcomes if outcome.error] == refused_names


def test_a_disk_that_cannot_be_written_stops_the_batch(tmp_path):
    source = ten(tmp_path)
    jobs = plan(source).jobs
    (tmp_path / "in-sharp").write_bytes(b"a file came between")
    batch = Batch(jobs, inverted)
    refused(BadOutput, lambda: list(batch.run()), "in-sharp")
    assert batch.written == []


def test_after_an_interruption_what_is_done_is_whole_and_the_next_run_does_the_rest(tmp_path):
    source = ten(tmp_path)

    def stopped_at_the_sixth(pixels, strength):
        stopped_at_the_sixth.calls += 1
        if stopped_at_the_sixth.calls == 6:
            raise KeyboardInterrupt
        return 255 - pixels

    stopped_at_the_sixth.calls = 0
    batch = Batch(plan(source).jobs, stopped_at_the_sixth)
    with pytest.raises(KeyboardInterrupt):
        list(batch.run())
    there = sorted((tmp_path / "in-sharp").iterdir())
    assert there == sorted(batch.written) and len(there) == 5
    for path in there:
        read_picture(path)
    again = plan(source)
    assert again.done_before == 5
    list(Batch(again.jobs, inverted).run())
    assert len(list((tmp_path / "in-sharp").iterdir())) == 10 and plan(source).jobs == ()


def test_a_fault_of_ours_is_not_taken_for_a_broken_picture(tmp_path):
    def faulty(pixels, strength):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(Batch(plan(ten(tmp_path)).jobs, faulty).run())
