"""What the clicks mean: pictures in, previews and results out; the newest wins, one broken picture stops nothing."""

import io
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import BadImage, BadSetting, UnknownModel
from tests.webui.page_process import tiny_student
from tests.webui.pictures import SVG, decoded, encoded, scene
from webui.picture_desk import Limits, PictureDesk
from webui.picture_values import Finished, Progress, Settings
from webui.picture_views import DETAIL, WHOLE
from webui.sharpeners import Sharpeners
from webui.uploads import Upload
from webui.workspace import Workspace

LARGE = (1650, 2450)  # height, width: more than picture_views.LARGE_PIXELS


@pytest.fixture(scope="module")
def sharpeners(tmp_path_factory):
    loaded = Sharpeners(str(tiny_student(tmp_path_factory.mktemp("student"))))
    yield loaded
    loaded.close()


@pytest.fixture
def desk(tmp_path, sharpeners):
    with Workspace(tmp_path) as workspace:
        desk = PictureDesk(workspace, sharpeners, Limits(max_files=5, max_total_bytes=2**26))
        yield desk
        desk.close()


@pytest.fixture
def session(desk):
    return desk.session("anna")


def bring(session, *files):
    """Take (content, name) pairs as if the browser had uploaded them."""
    uploads = []
    for content, name in files:
        path = session._workspace.new_folder(session._workspace.served) / "upload"
        path.write_bytes(content)
        uploads.append(Upload(str(path), name))
    return session.take(uploads)


def settings(session, strength=1.0):
    return Settings(session._desk.sharpeners.default, strength)


def files_in(workspace):
    return sorted(str(path.relative_to(workspace.root)) for path in workspace.root.rglob("*") if path.is_file())


@pytest.mark.parametrize("strength", [0.0, 0.4, 1.0, 1.7])
@pytest.mark.parametrize("size", [(90, 120), LARGE])
def test_the_result_is_what_the_engine_makes_of_the_picture(session, strength, size):
    pixels = scene(*size)
    bring(session, (encoded(pixels, "PNG", compress_level=1), "a.png"))
    session.show(0, settings(session, 1.0))  # a large picture then answers the next one quickly, not exactly
    session.show(0, settings(session, strength))
    expected = session._desk.sharpeners.get(session._desk.sharpeners.default)(pixels, strength=strength)
    assert np.array_equal(decoded(session.settle(0).path.read_bytes()), expected)


@pytest.mark.parametrize(
    ("picture_format", "channels", "dtype", "options"),
    [
        ("PNG", 3, np.uint8, {}),
        ("PNG", 4, np.uint8, {}),
        ("PNG", 0, np.uint8, {}),
        ("PNG", 0, np.uint16, {}),
        ("WEBP", 3, np.uint8, {"lossless": True}),
    ],
)
def test_strength_zero_gives_the_same_pixels_back(session, picture_format, channels, dtype, options):
    pixels = scene(61, 83, channels, dtype)
    bring(session, (encoded(pixels, picture_format, **options), "a.x"))
    session.show(0, settings(session, 0.0))
    result = session.settle(0).path.read_bytes()
    assert np.array_equal(decoded(result), pixels)
    with Image.open(io.BytesIO(result)) as image:
        assert image.format == picture_format


@pytest.mark.parametrize(("picture_format", "name"), [("JPEG", "a.jpg"), ("PNG", "a.png"), ("WEBP", "a.webp")])
def test_a_result_has_the_format_size_and_name_of_its_picture(session, picture_format, name):
    bring(session, (encoded(scene(48, 64), picture_format), name))
    session.show(0, settings(session))
    path = session.settle(0).path
    stem, dot, extension = name.partition(".")
    assert path.name == f"{stem}-sharp{dot}{extension}"
    with Image.open(path) as image:
        assert (image.format, image.size) == (picture_format, (64, 48))


@pytest.mark.parametrize(
    ("strength", "mean", "most"),
    [(0.05, 1, 4), (0.6, 1.2, 5), (1.4, 2.5, 20)],  # above 1 the halo guard is left out
)
def test_the_quick_view_of_a_large_picture_is_near_the_exact_one(session, strength, mean, most):
    bring(session, (encoded(scene(*LARGE), "PNG", compress_level=1), "large.png"))
    quick = session.show(0, settings(session, strength))
    assert quick.sharpen_ms is None and quick.view.reduced
    quick_pixels = decoded(quick.after.read_bytes()).astype(int)
    exact = session.settle(0).shown
    assert exact.sharpen_ms is not None
    difference = np.abs(decoded(exact.after.read_bytes()).astype(int) - quick_pixels)
    assert difference.mean() < mean and np.percentile(difference, 99) <= most  # grey levels, between two JPEGs


def test_the_detail_of_a_large_picture_is_the_same_part_of_the_result(session):
    pixels = scene(*LARGE)
    bring(session, (encoded(pixels, "PNG"), "large.png"))
    shown = session.show(0, settings(session, 1.0), DETAIL)
    view = shown.view
    whole = session._desk.sharpeners.get(settings(session).model)(pixels, strength=1.0)
    part = session._decoded[1].after(DETAIL, "m", session._desk.sharpeners.get(settings(session).model), 1.0).part
    expected = whole[view.top : view.bottom, view.left : view.right].astype(int)
    assert np.abs(part.astype(int) - expected).max() <= 1  # tiles of a picture may differ by a grey level


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "empty.jpg", "empty"),
        (b"hello, I am text", "text.png", "text"),
        (SVG, "drawing.svg", "SVG"),
        (SVG, "drawing.png", "SVG"),
        (encoded(scene(9, 9), "BMP"), "old.bmp", "BMP"),
        (encoded(scene(9, 9), "TIFF"), "scan.jpg", "TIFF"),
        (encoded(scene(90, 90), "JPEG")[:900], "cut.jpg", "cut"),
    ],
)
def test_what_is_no_picture_for_the_page_is_said_in_one_line(session, content, name, words):
    with pytest.raises(BadImage) as caught:
        bring(session, (content, name))
    message = str(caught.value)
    assert words.lower() in message.lower() and name in message and "\n" not in message
    assert files_in(session._workspace) == ["lock"]


def test_a_picture_over_the_limit_is_refused_by_its_header(tmp_path, sharpeners):
    with Workspace(tmp_path) as workspace:
        desk = PictureDesk(workspace, sharpeners, Limits(max_pixels=1_000_000))
        with pytest.raises(BadImage, match="1001 x 1000"):
            bring(desk.session("a"), (encoded(np.zeros((1000, 1001), np.uint8), "PNG"), "a.png"))


def test_a_broken_picture_does_not_take_the_good_one_off_the_page(session):
    bring(session, (encoded(scene(20, 30), "PNG"), "good.png"))
    with pytest.raises(BadImage):
        bring(session, (b"text", "bad.png"))
    assert session.show(0, settings(session)).name == "good.png"


def test_the_first_readable_picture_is_shown_and_what_is_no_picture_is_named_and_left_out(session):
    good, gif = encoded(scene(20, 30), "PNG"), encoded(scene(20, 30), "GIF")
    files = (b"x", "bad.png"), (good[:60], "cut.png"), (good, "good.png"), (gif, "a.gif"), (good, "b.png")
    failures = bring(session, *files)
    assert [failure.split()[0].rstrip(":") for failure in failures] == ["bad.png", "cut.png", "a.gif"]
    assert session.show(0, settings(session)).name == "good.png"
    assert [entry.name for entry in session.entries] == ["good.png", "b.png"]


def test_uploads_leave_the_served_folder_at_once(session):
    bring(session, (encoded(scene(20, 30), "PNG"), "a.png"))
    served = [name for name in files_in(session._workspace) if name.startswith("served")]
    assert served == []


def test_a_file_outside_the_served_folder_is_neither_taken_nor_deleted(session, tmp_path):
    precious = tmp_path / "precious.png"
    precious.write_bytes(encoded(scene(9, 9), "PNG"))
    with pytest.raises(BadImage):
        session.take([Upload(str(precious), "a.png")])
    assert precious.exists()


def test_the_same_file_twice_is_two_pictures(session):
    path = session._workspace.new_folder(session._workspace.served) / "a.png"
    path.write_bytes(encoded(scene(9, 9), "PNG"))
    session.take([Upload(str(path), "a.png"), Upload(str(path), "a.png")])
    assert [entry.name for entry in session.entries] == ["a.png", "a-2.png"]
    assert session.show(1, settings(session)).name == "a-2.png"


def test_limits_on_number_and_size_are_named(session):
    small = encoded(scene(9, 9), "PNG")
    with pytest.raises(BadSetting, match="6 files.*5"):
        bring(session, *[(small, f"{n}.png") for n in range(6)])
    with pytest.raises(BadSetting, match="MB at once"):
        bring(session, (b"\0" * (2**26 + 1), "huge.png"))
    with pytest.raises(BadImage, match="no picture"):
        session.take([])


@pytest.mark.parametrize("strength", [-0.1, 2.01, float("nan"), float("inf"), "much"])
def test_a_strength_that_is_none_is_refused(session, strength):
    bring(session, (encoded(scene(9, 9), "PNG"), "a.png"))
    with pytest.raises(BadSetting, match="strength"):
        session.show(0, settings(session, strength))


def test_a_model_or_a_picture_that_is_not_on_the_page_is_refused(session):
    bring(session, (encoded(scene(9, 9), "PNG"), "a.png"))
    with pytest.raises(UnknownModel):
        session.show(0, Settings("/etc/passwd.json", 1.0))
    for index in (1, -1, "0", None, 2**70):
        with pytest.raises(BadSetting):
            session.show(index, settings(session))
    with pytest.raises(BadSetting):
        session.show(0, settings(session), "inside")


def test_the_newest_setting_wins(session):
    pixels = scene(90, 120)
    bring(session, (encoded(pixels, "PNG"), "a.png"))
    session.show(0, settings(session, 2.0))
    early = []
    waiting = threading.Thread(target=lambda: early.append(session.settle(30)))
    waiting.start()
    time.sleep(0.1)
    session.show(0, settings(session, 0.0))
    waiting.join(10)
    assert early == [None]
    assert np.array_equal(decoded(session.settle(0).path.read_bytes()), pixels)


def test_a_result_is_out_of_reach_as_soon_as_a_setting_changes(session):
    bring(session, (encoded(scene(9, 9), "PNG"), "a.png"))
    session.show(0, settings(session))
    first = session.settle(0)
    assert session.settle(0).path == first.path and first.path.exists()
    session.show(0, settings(session, 0.5))
    assert not first.path.exists()


def test_many_settings_leave_few_files(session):
    bring(session, (encoded(scene(9, 9), "PNG"), "a.png"))
    for step in range(20):
        session.show(0, settings(session, step / 10))
    names = [Path(name).name for name in files_in(session._workspace)]
    assert names.count("after.jpg") <= 2 and names.count("before.jpg") == 1


def test_leaving_deletes_everything(desk, session):
    bring(session, (encoded(scene(9, 9), "PNG"), "a.png"), (encoded(scene(9, 9), "PNG"), "b.png"))
    session.show(0, settings(session))
    session.settle(0)
    assert isinstance(list(session.run_all(settings(session)))[-1], Finished)
    assert len(files_in(desk.workspace)) > 4
    desk.leave("anna")
    assert files_in(desk.workspace) == ["lock"]
    with pytest.raises(BadImage, match="no longer here"):
        session.show(0, settings(session))


def test_idle_visitors_are_closed_and_busy_ones_are_not(tmp_path, sharpeners):
    with Workspace(tmp_path) as workspace:
        desk = PictureDesk(workspace, sharpeners, Limits(idle_s=0.2))
        idle, busy = desk.session("idle"), desk.session("busy")
        for session in (idle, busy):
            bring(session, (encoded(scene(9, 9), "PNG"), "a.png"))
        steps = busy.run_all(settings(busy))
        next(steps)
        time.sleep(0.3)
        desk.tidy()
        assert idle.entries == () and len(busy.entries) == 1
        steps.close()
        desk.close()


def test_too_many_visitors_do_not_fill_the_disk(tmp_path, sharpeners):
    with Workspace(tmp_path) as workspace:
        desk = PictureDesk(workspace, sharpeners, Limits(max_visitors=3))
        sessions = [desk.session(str(number)) for number in range(3)]
        for session in sessions:
            bring(session, (encoded(scene(9, 9), "PNG"), "a.png"))
        desk.session("0")  # is not idle any more
        desk.session("one more")
        assert [bool(session.entries) for session in sessions] == [True, False, True]
        desk.close()


def archive(session, **more):
    steps = list(session.run_all(settings(session, **more)))
    finished = steps[-1]
    with zipfile.ZipFile(finished.archive) as file:
        return steps, {name: file.read(name) for name in file.namelist()}


def test_the_archive_holds_every_good_picture_and_the_report_names_the_broken_one(session):
    pixels = scene(30, 40)
    png, jpeg = encoded(pixels, "PNG"), encoded(pixels, "JPEG")
    bring(session, (png, "a.png"), (png[:60], "broken.png"), (jpeg, "b.JPG"), (png, "A.PNG"), (png, "dir/../a.png"))
    steps, files = archive(session, strength=0.0)
    assert sorted(files) == ["A-2-sharp.PNG", "a-3-sharp.png", "a-sharp.png", "b-sharp.JPG"]
    assert np.array_equal(decoded(files["a-sharp.png"]), pixels)
    finished = steps[-1]
    assert (finished.done, finished.total, finished.stopped) == (4, 5, False)
    assert len(finished.failures) == 1 and "broken.png" in finished.failures[0]
    progress = [step for step in steps if isinstance(step, Progress)]
    assert [step.done for step in progress] == [0, 1, 2, 3, 4]
    assert progress[0].left_s is None and all(step.left_s >= 0 for step in progress[1:])


def test_all_pictures_get_the_same_settings(session):
    pixels = [scene(30, 40, seed=seed) for seed in range(3)]
    bring(session, *[(encoded(one, "PNG"), f"{n}.png") for n, one in enumerate(pixels)])
    _steps, files = archive(session, strength=1.4)
    sharpener = session._desk.sharpeners.get(settings(session).model)
    for number, one in enumerate(pixels):
        assert np.array_equal(decoded(files[f"{number}-sharp.png"]), sharpener(one, strength=1.4))


def test_stopping_keeps_what_is_done(session):
    bring(session, *[(encoded(scene(9, 9), "PNG"), f"{n}.png") for n in range(4)])
    steps = session.run_all(settings(session))
    assert [next(steps).done, next(steps).done] == [0, 1]
    session.stop()
    finished = list(steps)[-1]
    assert finished.stopped and finished.done == 1
    with zipfile.ZipFile(finished.archive) as file:
        assert file.testzip() is None and len(file.namelist()) == 1


def test_only_one_batch_of_a_visitor_runs_at_a_time(session):
    bring(session, *[(encoded(scene(9, 9), "PNG"), f"{n}.png") for n in range(3)])
    first = session.run_all(settings(session))
    next(first)
    with pytest.raises(BadSetting, match="already"):
        next(session.run_all(settings(session)))
    first.close()
    assert isinstance(list(session.run_all(settings(session)))[-1], Finished)


def test_new_pictures_end_the_batch_of_the_old_ones(session):
    png = encoded(scene(9, 9), "PNG")
    bring(session, *[(png, f"{n}.png") for n in range(4)])
    steps = session.run_all(settings(session))
    next(steps)
    bring(session, (png, "new.png"))
    finished = list(steps)[-1]
    assert finished.archive is None
    assert session.show(0, settings(session)).name == "new.png"


def test_nothing_is_left_of_a_batch_whose_pictures_are_all_broken(session):
    bring(session, (encoded(scene(9, 9), "PNG"), "a.png"), (encoded(scene(9, 9), "PNG"), "b.png"))
    for entry in session.entries:
        entry.path.write_bytes(b"overwritten")
    finished = list(session.run_all(settings(session)))[-1]
    assert finished.archive is None and len(finished.failures) == 2
    assert not any(name.endswith(".zip") for name in files_in(session._workspace))


def test_decoded_pictures_of_other_visitors_are_dropped_when_memory_is_short(tmp_path, sharpeners):
    with Workspace(tmp_path) as workspace:
        desk = PictureDesk(workspace, sharpeners, Limits(max_decoded_bytes=60_000))
        sessions = [desk.session(str(n)) for n in range(3)]
        for session in sessions:
            bring(session, (encoded(scene(60, 80), "PNG"), "a.png"))
            session.show(0, settings(session))
            session.settle(0)
        assert sessions[0].decoded_bytes == 0 and sessions[2].decoded_bytes > 0
        assert sessions[0].show(0, settings(sessions[0]), WHOLE).name == "a.png"  # read again when needed
        desk.close()


def test_samples_are_shown_and_never_deleted(tmp_path, sharpeners):
    sample = tmp_path / "a sample.png"
    sample.write_bytes(encoded(scene(9, 9), "PNG"))
    with Workspace(tmp_path) as workspace:
        desk = PictureDesk(workspace, sharpeners, samples=[sample])
        session = desk.session("a")
        session.take_sample(0)
        assert session.show(0, settings(session)).name == "a sample.png"
        for index in (1, -1, None, "0"):
            with pytest.raises(BadSetting):
                session.take_sample(index)
        desk.close()
    assert sample.exists()
