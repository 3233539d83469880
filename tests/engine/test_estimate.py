"""Laws of measuring: the graph is the trained module's equal, any picture gives finite numbers in their ranges."""

import threading
import time

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from skimage import data

from engine import estimate as module
from engine.backends import BACKENDS, installed
from engine.cards import Card
from engine.degradation import RANGES, Degradation
from engine.errors import BadSetting
from engine.estimate import Estimator, detailed_tiles, measure
from engine.students import STUDENTS
from tests.engine.students_for_tests import mixture_card, random_card

LIBRARIES = [name for name in ("openvino", "onnx") if installed(name)]


@pytest.fixture(scope="module")
def estimator():
    estimator = Estimator(mixture_card())
    yield estimator
    estimator.close()


@pytest.mark.parametrize("backend", LIBRARIES)
@pytest.mark.parametrize("shape", [(16, 16), (17, 90), (128, 131), (301, 203)])
def test_the_graph_measures_what_the_trained_module_measures(backend, shape):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from distill.mixture import MixtureNetwork

    torch.manual_seed(len(shape) + shape[0])
    network = MixtureNetwork(STUDENTS["nano"]).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    card = Card("nano", network.config, {name: value.numpy() for name, value in network.state_dict().items()})
    pixels = np.ascontiguousarray(cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)[100:][: shape[0], : shape[1]])
    with torch.no_grad():
        expected = network.estimator(torch.from_numpy(pixels)[None, None] / 255)[0].numpy()
    found = Estimator(card, backend).of_tiles([pixels])
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert expected.std() > 0.01  # the four differ


@given(
    pixels=arrays.arrays(
        dtype=st.sampled_from([np.uint8, np.uint16]),
        shape=st.tuples(st.integers(1, 40), st.integers(1, 40)).flatmap(
            lambda size: st.sampled_from([size, (*size, 3), (*size, 4)])
        ),
    )
)
def test_any_picture_gives_numbers_in_their_ranges(estimator, pixels):
    found = estimator(pixels)
    for name, (least, most, _) in RANGES.items():
        assert least <= getattr(found, name) <= most


@pytest.mark.parametrize("shape", [(1, 1), (1, 60), (60, 1, 3), (200, 300, 4), (1500, 2000)])
@pytest.mark.parametrize("level", [0, 117, 255])
def test_a_flat_picture_has_nothing_wrong(estimator, shape, level):
    assert estimator(np.full(shape, level, np.uint8)) == Degradation()


def test_stripes_in_one_direction_alone_are_no_flat_picture(estimator):
    stripes = np.zeros((64, 64), np.uint8)
    stripes[::4] = 200
    assert estimator(stripes) != Degradation() and estimator(stripes.T) != Degradation()


def test_depth_and_channels_do_not_change_what_is_measured(estimator):
    grey = cv2.cvtColor(data.chelsea(), cv2.COLOR_RGB2GRAY)
    expected = estimator.vector(grey)
    opaque = np.dstack([grey, grey, grey, np.full_like(grey, 255)])
    for same in (np.dstack([grey] * 3), opaque, grey.astype(np.uint16) * 257):
        np.testing.assert_allclose(estimator.vector(same), expected, atol=1e-6)


def test_tiles_cover_a_picture_from_end_to_end_where_coders_put_their_blocks():
    ramp = np.add.outer(np.arange(480, dtype=np.uint16) * 80, np.arange(640, dtype=np.uint16) * 40)
    picture = (ramp >> 8).astype(np.uint8)
    tiles = detailed_tiles(picture)
    assert len(tiles) == module.TILES and all(tile.shape == (module.TILE, module.TILE) for tile in tiles)
    corners = {(int(tile[0, 0]), int(tile[-1, -1])) for tile in tiles}
    starts = [(top, left) for top in (0, 112, 224) for left in (0, 192, 384)]
    assert corners == {(int(picture[y, x]), int(picture[y + 255, x + 255])) for y, x in starts}


def test_of_a_large_picture_the_tiles_with_detail_are_measured_as_they_are(estimator):
    detail = data.astronaut()[:256, 100:356]
    picture = np.full((2560, 1536, 3), 90, np.uint8)
    places = [(top, left) for top in (0, 1024, 2304) for left in (0, 512, 1280)]
    for top, left in places:
        picture[top : top + 256, left : left + 256] = detail
    chosen = detailed_tiles(picture)
    assert len(chosen) == module.TILES
    luma = cv2.cvtColor(detail, cv2.COLOR_RGB2GRAY)
    for tile in chosen:
        np.testing.assert_array_equal(tile, luma)
    np.testing.assert_allclose(estimator.vector(picture), estimator.vector(detail), atol=1e-5)


def test_a_tile_counts_as_much_as_there_is_to_see_in_it(estimator):
    strong = data.astronaut()[:256, 100:356]
    weak = (128 + (cv2.GaussianBlur(strong, (0, 0), 2).astype(np.int16) - 128) // 10).astype(np.uint8)
    both = np.hstack([strong, weak])
    tiles = [cv2.cvtColor(part, cv2.COLOR_RGB2GRAY) for part in (strong, weak)]
    of_strong, of_weak = estimator.vector(strong), estimator.vector(weak)
    assert np.abs(of_strong - of_weak).max() > 0.02
    np.testing.assert_allclose(estimator.of_tiles(tiles), of_strong, atol=0.05 * np.abs(of_strong - of_weak).max())
    assert np.abs(estimator.vector(both) - of_strong).max() < np.abs(estimator.vector(both) - of_weak).max()


@pytest.mark.parametrize("shape", [(3, 800_000), (800_000, 3), (9000, 9000)])
def test_a_huge_picture_is_measured_in_bounded_time(estimator, shape):
    picture = np.tile(np.random.default_rng(1).integers(0, 256, (1, 1000), np.uint8), (shape[0], 1 + shape[1] // 1000))
    started = time.process_time()
    estimator(picture[:, : shape[1]])
    assert time.process_time() - started < 10


def test_threads_that_share_an_estimator_get_their_own_numbers(estimator):
    pictures = [data.astronaut()[: 100 + 30 * index, 50 * index :] for index in range(6)]
    expected = [estimator(pixels) for pixels in pictures]
    found = [None] * len(pictures)

    def work(index):
        for _ in range(5):
            found[index] = estimator(pictures[index])

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(pictures))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == expected and len(set(expected)) == len(expected)


def test_measure_takes_a_card_and_agrees_between_libraries():
    found = [measure(data.chelsea(), mixture_card(), backend) for backend in BACKENDS if installed(backend)]
    for one in found[1:]:
        np.testing.assert_allclose(one.vector(), found[0].vector(), atol=1e-3)


def test_a_blind_student_and_a_closed_estimator_say_so():
    with pytest.raises(BadSetting, match="'nano' is blind: it has no estimator"):
        Estimator(random_card())
    estimator = Estimator(mixture_card())
    estimator.close()
    estimator.close()
    with pytest.raises(BadSetting, match="closed"):
        estimator(data.chelsea())
