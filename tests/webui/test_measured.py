"""What was measured in a picture, on the page: said in words, replaced by what a visitor sets, forgotten with it."""

import zipfile
from dataclasses import replace

import numpy as np
import pytest

from engine.degradation import RANGES, Degradation
from engine.errors import BadSetting
from tests.webui.page_process import tiny_mixture, tiny_student
from tests.webui.pictures import decoded, encoded, scene
from tests.webui.test_picture_session import LARGE, bring
from webui.lines import shown_line
from webui.measured_values import number, offer, to_move, told
from webui.picture_desk import PictureDesk
from webui.picture_values import Settings
from webui.picture_views import DETAIL, WHOLE
from webui.sharpeners import Sharpeners
from webui.workspace import Workspace


@pytest.fixture(scope="module")
def sharpeners(tmp_path_factory):
    loaded = Sharpeners(str(tiny_mixture(tmp_path_factory.mktemp("student"))))
    yield loaded
    loaded.close()


@pytest.fixture
def session(tmp_path, sharpeners):
    with Workspace(tmp_path) as workspace:
        desk = PictureDesk(workspace, sharpeners)
        yield desk.session("anna")
        desk.close()


def settings(session, strength=1.0, **numbers):
    return Settings(session._desk.sharpeners.default, strength, numbers)


@pytest.mark.parametrize("size", [(90, 120), LARGE])
@pytest.mark.parametrize("numbers", [{}, {"blur": 0.5, "noise": 9.0}])
def test_the_result_is_restored_from_what_is_shown(session, sharpeners, size, numbers):
    pixels = scene(*size)
    bring(session, (encoded(pixels, "PNG", compress_level=1), "a.png"))
    session.show(0, settings(session))
    shown = session.show(0, settings(session, 0.7, **numbers))
    sharpener = sharpeners.get(sharpeners.default)
    measured = sharpener.measure(pixels)
    assert shown.measured == measured and shown.degradation == replace(measured, **numbers)
    expected = sharpener(pixels, 0.7, degradation=shown.degradation)
    assert np.array_equal(decoded(session.settle(0).path.read_bytes()), expected)
    if numbers:
        assert (expected != sharpener(pixels, 0.7)).any()


def test_the_quick_view_of_a_large_picture_follows_what_is_told(session):
    bring(session, (encoded(scene(*LARGE), "PNG", compress_level=1), "large.png"))
    quick, exact = [], []
    for numbers in ({}, {"blur": 0.0, "noise": 20.0}, {}):
        shown = session.show(0, settings(session, 0.6, **numbers))
        assert shown.sharpen_ms is None
        quick.append(decoded(shown.after.read_bytes()).astype(int))
        exact.append(decoded(session.settle(0).shown.after.read_bytes()).astype(int))
    between = np.abs(exact[0] - exact[1]).mean()
    for one, other in zip(quick, exact, strict=True):
        assert np.abs(one - other).mean() < between / 3  # the clipping of a strong student is left out


def test_the_detail_of_a_large_picture_has_the_measure_of_the_whole(session, sharpeners):
    pixels = np.full((*LARGE, 3), 120, np.uint8)
    pixels[::7, ::5] = 160  # everywhere a texture that is as it is, here a patch of another
    pixels[600:1200, 900:1700] = np.random.default_rng(1).integers(0, 256, (600, 800, 3), np.uint8)
    bring(session, (encoded(pixels, "PNG"), "large.png"))
    shown = session.show(0, settings(session), DETAIL)
    sharpener, view = sharpeners.get(sharpeners.default), shown.view
    around = pixels[view.top : view.bottom, view.left : view.right]
    assert sharpener.measure(around) != shown.degradation == sharpener.measure(pixels)
    views = session._decoded[1]
    part = views.after(DETAIL, sharpeners.default, sharpener, 1.0, shown.degradation).part
    expected = sharpener(pixels)[view.top : view.bottom, view.left : view.right].astype(int)
    assert np.abs(part.astype(int) - expected).max() <= 1


def test_a_picture_is_measured_once_however_often_the_strength_moves(session, sharpeners, monkeypatch):
    sharpener, calls = sharpeners.get(sharpeners.default), []
    measure = sharpener.measure
    monkeypatch.setattr(sharpener, "measure", lambda pixels, **told: calls.append(1) or measure(pixels, **told))
    bring(session, (encoded(scene(40, 50), "PNG"), "a.png"))
    for step in range(10):
        session.show(0, settings(session, step / 10, blur=step / 10))
    session.settle(0)
    assert len(calls) == 1


def test_all_pictures_of_a_batch_are_told_the_same_and_measured_each_by_itself(session, sharpeners):
    pixels = [scene(30, 40, seed=seed) for seed in range(3)]
    bring(session, *[(encoded(one, "PNG"), f"{n}.png") for n, one in enumerate(pixels)])
    sharpener = sharpeners.get(sharpeners.default)
    for numbers in ({}, {"blur": 3.0}):
        archive = list(session.run_all(settings(session, **numbers)))[-1].archive
        with zipfile.ZipFile(archive) as files:
            for number, one in enumerate(pixels):
                expected = sharpener(one, degradation=sharpener.measure(one, **numbers))
                assert np.array_equal(decoded(files.read(f"{number}-sharp.png")), expected)


def test_a_blind_model_shows_nothing_measured_and_does_without_what_is_told(tmp_path):
    sharpeners = Sharpeners(str(tiny_student(tmp_path)))
    with Workspace(tmp_path) as workspace:
        desk = PictureDesk(workspace, sharpeners)
        session = desk.session("a")
        bring(session, (encoded(scene(20, 30), "PNG"), "a.png"))
        shown = session.show(0, Settings(sharpeners.default, 1.0, {"blur": 2.0}))
        assert shown.measured is None and shown.degradation is None and "Measured" not in shown_line(shown)
        desk.close()
    sharpeners.close()


@pytest.mark.parametrize("numbers", [{"blur": -1.0}, {"noise": 1e9}, {"upscaling": "much"}, {"blur": float("nan")}])
def test_a_number_outside_its_range_is_refused(session, numbers):
    bring(session, (encoded(scene(9, 9), "PNG"), "a.png"))
    with pytest.raises(BadSetting, match=next(iter(numbers))):
        session.show(0, settings(session, **numbers))


MEASURED = Degradation(1.74, 2.2, 3.4, 2.04)
OFFERED = {"picture": 3, "blur": 1.7, "noise": 2, "compression": 3, "upscaling": 2.0}
NUMBERS = (1.7, 2, 3, 2.0)


def test_what_the_page_offers_and_nobody_touches_is_not_told():
    assert offer(3, MEASURED) == OFFERED
    assert told(3, OFFERED, NUMBERS) == {}
    worst = offer(3, Degradation(8, 64, 64, 8))  # more than the sliders show
    assert told(3, worst, tuple(worst.values())[1:]) == {}


@pytest.mark.parametrize("index, name", list(enumerate(RANGES)))
def test_a_slider_that_was_moved_is_told_and_stays_while_others_follow_the_model(index, name):
    numbers = [value + (place == index) for place, value in enumerate(NUMBERS)]
    assert told(3, OFFERED, numbers) == {name: numbers[index]}
    other_model = offer(3, Degradation(0.9, 7, 9, 1.2))
    assert set(to_move(other_model, OFFERED, {name: 1})) == set(RANGES) - {name}
    assert set(to_move(other_model, OFFERED, {})) == set(RANGES)


def test_a_slider_that_shows_its_number_is_not_moved_while_somebody_types():
    assert to_move(OFFERED, OFFERED, {}) == []
    assert to_move(OFFERED, None, {}) == list(RANGES)  # "As measured" moves all


def test_what_was_set_for_one_picture_is_not_told_for_the_next():
    assert told(3, OFFERED, (4, *NUMBERS[1:])) == {"blur": 4}
    assert told(1, OFFERED, (4, *NUMBERS[1:])) == {}
    assert to_move({**OFFERED, "picture": 1}, OFFERED, {}) == list(RANGES)


@pytest.mark.parametrize("offered", [None, "x", [], {}, {"picture": "0"}])
def test_a_strange_event_tells_nothing(offered):
    assert told(0, offered, (1, 2, 3, 4)) == {} and to_move(OFFERED, offered, {}) == list(RANGES)


@pytest.mark.parametrize("typed, taken", [(None, None), ("", None), (99, 4.0), (-3, 0.0), ("2.5", 2.5), ("x", "x")])
def test_a_half_typed_number_is_measured_or_the_nearest_one(typed, taken):
    assert number(typed, 0.0, 4.0) == taken


def test_the_line_says_what_was_measured_and_what_was_set(session):
    bring(session, (encoded(scene(40, 50), "PNG"), "a.png"))
    found = session.show(0, settings(session), WHOLE)
    assert f"Measured: {found.degradation.words}</p>" in shown_line(found)
    found = session.show(0, settings(session, blur=3.0, noise=4.0))
    assert "Measured: blur 3.0 px, noise 4" in shown_line(found)
    assert "(blur and noise as you set them)" in shown_line(found)
