"""Laws of the pairs that training draws: aligned, replayable, each picture once a turn, shared between processes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import data

from distill.degrade import ReportDegradation
from distill.pairs import CLEAN, Batches, DrawnPairs, PairDataset, PreparedPairs


def dataset(pictures, side, seed, clean_share=0.0):
    return PairDataset([(1, DrawnPairs(pictures, ReportDegradation))], len(pictures), side, seed, clean_share)


@given(seed=st.integers(0, 999))
def test_a_degraded_crop_is_the_crop_of_the_degraded_picture(seed):
    picture = data.astronaut()[:300, :300]
    clean, degraded, truth = DrawnPairs([picture], ReportDegradation).crop(0, 64, np.random.default_rng(seed))
    places = [
        (top, left)
        for top in range(0, 237, 2)
        for left in range(0, 237, 2)
        if (picture[top, left] == clean[0, 0]).all() and (picture[top : top + 64, left : left + 64] == clean).all()
    ]
    rng = np.random.default_rng(seed)
    rng.integers(119), rng.integers(119)  # the two offsets are drawn first
    drawn = ReportDegradation.sample(rng)
    whole = drawn.apply(picture)
    assert any((whole[top : top + 64, left : left + 64] == degraded).all() for top, left in places)
    np.testing.assert_array_equal(truth, np.float32(drawn.truth().vector()))


def test_samples_repeat_and_each_turn_uses_every_picture_once():
    pictures = [np.full((70, 70, 3), 10 * index, np.uint8) for index in range(8)]
    levels = [int(dataset(pictures, 32, seed=5)[index][0][0, 0, 0]) // 10 for index in range(16)]
    assert sorted(levels[:8]) == sorted(levels[8:]) == list(range(8)) and levels[:8] != levels[8:]
    for one, other in zip(dataset(pictures, 32, 5)[9], dataset(pictures, 32, 5)[9], strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_clean_share_stays_sharp_and_is_told_so():
    for share, low, high in ((0.0, 0, 0), (1.0, 40, 40), (0.5, 8, 32)):
        items = [dataset([data.chelsea()], 32, 1, share)[index] for index in range(40)]
        sharp = [(clean == degraded).all() for clean, degraded, _ in items]
        assert low <= sum(sharp) <= high
        assert sharp == [bool((truth == CLEAN).all()) for _, _, truth in items]


def test_a_picture_smaller_than_the_crop_is_reflected():
    clean, degraded, _ = dataset([data.chelsea()[:70, :90]], 128, 0)[0]
    assert clean.shape == degraded.shape == (128, 128, 3)


class Prepared:
    """Two prepared versions of one picture that can be told from each other, and still name the place."""

    versions = 2

    def __init__(self, picture):
        self.picture = picture

    def __getitem__(self, key):
        _, version = key
        return self.picture + np.uint8(100 * (version + 1)), np.full(4, version, np.float32)


def test_prepared_pairs_are_cut_at_the_same_place_and_use_every_version():
    picture = np.random.default_rng(0).integers(0, 50, (80, 100, 3), dtype=np.uint8)
    source, seen = PreparedPairs([picture], Prepared(picture)), set()
    for seed in range(12):
        clean, degraded, truth = source.crop(0, 64, np.random.default_rng(seed))
        assert (degraded - clean == 100 * (truth[0] + 1)).all()
        seen.add(truth[0])
    assert seen == {0, 1}


def test_recipes_are_drawn_by_their_shares():
    picture = np.zeros((80, 80, 3), np.uint8)
    sources = [(0.75, DrawnPairs([picture], ReportDegradation)), (0.25, PreparedPairs([picture], Prepared(picture)))]
    pairs = PairDataset(sources, 1, 64, seed=3)
    prepared = sum(pairs[index][1].max() >= 100 for index in range(400))
    assert 70 <= prepared <= 130  # 100 expected, standard deviation 8.7


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_processes_share_out_each_batch_and_a_resumed_run_goes_on(processes):
    parts = [list(Batches(8, 0, 5, rank, processes)) for rank in range(processes)]
    steps = [sum((part[step] for part in parts), []) for step in range(5)]
    assert steps == [list(range(8 * step, 8 * step + 8)) for step in range(5)]
    assert list(Batches(8, 3, 5)) == steps[3:] and len(Batches(8, 3, 5)) == 2
