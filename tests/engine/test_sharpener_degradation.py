"""Laws of a sharpener whose student has several experts: what it is told, what it measures, what it keeps compiled."""

import threading
from dataclasses import replace

import cv2
import numpy as np
import pytest
from skimage import data

from engine import Sharpener
from engine import sharpener as module
from engine.assemble import assembled
from engine.backends import BACKENDS, installed
from engine.compiled import CompiledStudents, degradation_of, step_of
from engine.degradation import Degradation
from engine.errors import BadSetting
from engine.pixels import student_input
from engine.students import StudentConfig
from tests.engine.students_for_tests import mixture_card, random_card

AVAILABLE = [name for name in BACKENDS if installed(name)]
SOFT, NOISY = Degradation(blur=2.0, upscaling=2.0), Degradation(blur=0.5, noise=8.0, compression=4.0)


@pytest.fixture(scope="module")
def nano():
    with Sharpener(mixture_card("nano")) as sharpener:
        yield sharpener


@pytest.fixture(scope="module")
def cat():
    return cv2.GaussianBlur(data.chelsea(), (9, 9), 1.6)


@pytest.mark.parametrize("backend", AVAILABLE)
@pytest.mark.parametrize("name", ["nano", "base"])
def test_the_assembled_student_restores_as_the_trained_module_told_the_same(backend, name, cat):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from distill.mixture import MixtureNetwork

    card = mixture_card(name)
    network = MixtureNetwork(card.config).eval()
    network.load_state_dict({key: torch.from_numpy(array) for key, array in card.weights.items()})
    grey = np.ascontiguousarray(cv2.cvtColor(cat, cv2.COLOR_RGB2GRAY)[:200, :240])
    for told in (SOFT, NOISY):
        told = degradation_of(step_of(told))
        with torch.no_grad():
            residual, _ = network(torch.from_numpy(grey)[None, None] / 255, torch.tensor([told.vector()]))
        expected = np.clip(grey + 255 * residual[0, 0].numpy(), 0, 255)
        with Sharpener(card, backend=backend, device="cpu", degradation=told) as sharpener:
            assert np.abs(sharpener(grey) - expected).max() <= 1
        assert np.abs(expected - grey).max() > 3


@pytest.mark.parametrize("name", ["nano", "small"])
def test_the_nearest_step_restores_like_the_exact_weights(name, cat):
    card, rng = mixture_card(name), np.random.default_rng(8)
    seen = student_input(cat, 1)
    with Sharpener(card) as stepped:
        for _ in range(6):
            told = Degradation.from_vector(rng.uniform(0, 1, 4))
            near = stepped.residual(seen, told).copy()
            with Sharpener(assembled(card, told)) as exact:
                assert np.sqrt(np.mean((exact.residual(seen) - near) ** 2)) < 0.3  # grey levels


def test_auto_is_the_whole_pictures_measure(nano, cat):
    measured = nano.measure(cat)
    np.testing.assert_array_equal(nano(cat), nano(cat, degradation=measured))
    np.testing.assert_array_equal(nano(cat), nano(cat, degradation="auto"))
    assert (nano(cat) != nano(cat, degradation=NOISY)).any()


def test_all_tiles_have_the_weights_of_the_whole_picture(nano, cat, monkeypatch):
    whole = nano(cat).astype(int)
    monkeypatch.setattr(module, "WHOLE_PIXELS", 0)
    monkeypatch.setattr(module, "TILE", 128)
    assert np.abs(nano(cat) - whole).max() <= 1


def test_what_the_call_tells_goes_before_what_the_sharpener_was_told(cat):
    with Sharpener(mixture_card(), degradation=SOFT) as sharpener:
        own, told, auto = sharpener(cat), sharpener(cat, degradation=NOISY), sharpener(cat, degradation="auto")
        np.testing.assert_array_equal(own, sharpener(cat, degradation=SOFT))
        np.testing.assert_array_equal(auto, sharpener(cat, degradation=sharpener.measure(cat)))
    assert (own != told).any() and (own != auto).any()


def test_a_blind_student_measures_nothing_and_cannot_be_told(cat):
    with Sharpener(random_card()) as sharpener:
        assert sharpener.measure(cat) is None
        np.testing.assert_array_equal(sharpener(cat), sharpener(cat, degradation="auto"))
        with pytest.raises(BadSetting, match="'nano' is blind, it cannot be told"):
            sharpener(cat, degradation=SOFT)
    with pytest.raises(BadSetting, match="'nano' is blind"):
        Sharpener(random_card(), degradation=SOFT)


@pytest.mark.parametrize("wrong", ["manual", 1.5, (1, 0, 0, 1), {}])
def test_another_degradation_is_refused(nano, cat, wrong):
    with pytest.raises(BadSetting, match='must be "auto" or a Degradation'):
        nano(cat, degradation=wrong)
    with pytest.raises(BadSetting, match='must be "auto" or a Degradation'):
        Sharpener(mixture_card(), degradation=wrong)


def test_strength_0_is_a_copy_and_measures_nothing(nano, cat, monkeypatch):
    monkeypatch.setattr(nano, "measure", lambda pixels: pytest.fail("measured for nothing"))
    np.testing.assert_array_equal(nano(cat, 0), cat)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9, 4), (5, 3), (3, 700)])
def test_the_smallest_pictures_are_measured_and_sharpened(nano, shape):
    pixels = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    assert nano(pixels).shape == shape


@pytest.mark.parametrize("backend", AVAILABLE)
def test_few_students_are_kept_and_a_close_degradation_has_the_same(backend):
    students = CompiledStudents(mixture_card(config=StudentConfig(4, 4, 0, experts=2)), backend, "cpu")
    first = students.get(SOFT)
    assert students.get(Degradation(blur=2.005, upscaling=2.005)) is first
    most = max(len(students) for blur in np.arange(0, 3, 0.1) if students.get(Degradation(blur=float(blur))))
    assert len(students) == most == first.kept
    assert students.get(SOFT) is not first  # it had to go
    students.close()


def test_a_blind_card_has_one_student():
    students = CompiledStudents(random_card())
    assert students.get(None) is students.get(SOFT) and len(students) == 1


def test_what_came_before_does_not_change_a_result(cat):
    with Sharpener(mixture_card()) as sharpener:
        first = sharpener(cat, degradation=SOFT)
        for blur in (1.96, 1.98, 2.02, 2.04):
            sharpener(cat, degradation=Degradation(blur=blur, upscaling=2.0))
        np.testing.assert_array_equal(sharpener(cat, degradation=SOFT), first)


@pytest.mark.parametrize("backend", AVAILABLE)
def test_threads_with_other_degradations_get_their_own_results(backend, cat):
    told = [Degradation(blur=0.25 * index) for index in range(10)]
    small = cat[:64, :80]
    with Sharpener(mixture_card(), backend=backend, device="cpu") as sharpener:
        expected = [sharpener(small, degradation=one) for one in told]
        found = [None] * len(told)

        def work(index):
            for _ in range(3):
                found[index] = sharpener(small, degradation=told[index])

        threads = [threading.Thread(target=work, args=(index,)) for index in range(len(told))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_closed_one_says_so(cat):
    sharpener = Sharpener(mixture_card())
    sharpener.close()
    sharpener.close()
    for call in (sharpener, sharpener.measure):
        with pytest.raises(BadSetting, match="closed"):
            call(cat)


def test_a_told_number_replaces_the_measured_one_and_the_others_stay(nano, cat, monkeypatch):
    measured = nano.measure(cat)
    assert nano.measure(cat, blur=3.0) == replace(measured, blur=3.0)
    assert nano.measure(cat, noise=5, upscaling=1) == replace(measured, noise=5, upscaling=1)
    with pytest.raises(BadSetting, match="blur must be a number from 0 to 8 pixels, not 9"):
        nano.measure(cat, blur=9)
    monkeypatch.setattr(nano, "_estimator", lambda pixels: pytest.fail("measured for nothing"))
    assert nano.measure(cat, blur=1, noise=2, compression=3, upscaling=2) == Degradation(1, 2, 3, 2)


def test_a_degradation_is_said_in_few_words():
    assert Degradation(1.74, 2.2, 3, 2).words == "blur 1.7 px, noise 2, compression 3, enlarged 2x"
    assert Degradation(0.52, 0, 0, 1.04).words == "blur 0.5 px, noise 0, compression 0"
    assert Degradation(upscaling=1.5).words.endswith("enlarged 1.5x")
