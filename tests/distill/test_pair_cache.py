"""Laws of prepared pairs: what a draw makes is what lies there, and work that was done is not done again."""

import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from distill.data import PixelCache, find_pictures
from distill.degrade import RECIPES
from distill.pair_cache import PairCache
from engine.errors import BadOutput
from tests.distill.pictures import write_pictures

ROOT = Path(__file__).parents[2]


@pytest.fixture
def pictures(tmp_path):
    return PixelCache(find_pictures(write_pictures(tmp_path / "data")), tmp_path / "pixels")


class Watched:
    """Pictures that remember which were asked for, beyond the first look at all of them."""

    def __init__(self, pictures):
        self.hash, self._pictures, self.asked = pictures.hash, pictures, []

    def __len__(self):
        return len(self._pictures)

    def __iter__(self):
        return iter([self._pictures[index] for index in range(len(self))])

    def __getitem__(self, index):
        self.asked.append(index)
        return self._pictures[index]


def contents(cache):
    return [
        (cache[index, version][0].tobytes(), cache[index, version][1].tobytes())
        for index in range(len(cache))
        for version in range(cache.versions)
    ]


def test_a_pair_is_what_its_draw_makes_of_the_whole_picture(pictures, tmp_path):
    cache = PairCache(pictures, "call", 2, tmp_path / "pairs", seed=7)
    assert len(cache) == len(pictures)
    for index in range(len(pictures)):
        for version in range(2):
            draw = RECIPES["call"].sample(np.random.default_rng((7, index, version)))
            degraded, truth = draw.degrade(pictures[index])
            kept, vector = cache[index, version]
            np.testing.assert_array_equal(kept, degraded)
            np.testing.assert_array_equal(vector, np.array(truth.vector(), np.float32))
            assert not kept.flags.writeable


def test_a_second_run_draws_nothing_and_another_seed_draws_all(pictures, tmp_path):
    first = PairCache(pictures, "call", 1, tmp_path / "pairs", seed=7)
    again, other = Watched(pictures), Watched(pictures)
    assert contents(PairCache(again, "call", 1, tmp_path / "pairs", seed=7)) == contents(first)
    assert again.asked == []
    assert contents(PairCache(other, "call", 1, tmp_path / "pairs", seed=8)) != contents(first)
    assert other.asked == list(range(len(pictures)))


def test_a_killed_run_goes_on_behind_its_last_finished_picture(pictures, tmp_path):
    program = f"""
import os, signal, sys
sys.path.insert(0, {str(ROOT)!r})
from distill.data import PixelCache, find_pictures
from distill.pair_cache import PairCache

class Mortal(PixelCache):
    calls = 0
    def __iter__(self):
        return iter([PixelCache.__getitem__(self, index) for index in range(len(self))])
    def __getitem__(self, index):
        if index == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(index)

pictures = Mortal(find_pictures({str(tmp_path / "data")!r}), {str(tmp_path / "pixels")!r})
PairCache(pictures, "call", 2, {str(tmp_path / "pairs")!r}, seed=7)
"""
    killed = subprocess.run([sys.executable, "-c", program], capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    watched = Watched(pictures)
    resumed = PairCache(watched, "call", 2, tmp_path / "pairs", seed=7)
    assert watched.asked == list(range(2, len(pictures)))
    assert contents(resumed) == contents(PairCache(pictures, "call", 2, tmp_path / "whole", seed=7))


def test_several_workers_make_the_same_bytes_as_none(pictures, tmp_path):
    alone = PairCache(pictures, "call", 1, tmp_path / "alone", seed=7)
    assert contents(PairCache(pictures, "call", 1, tmp_path / "together", seed=7, workers=2)) == contents(alone)


def test_a_cache_that_was_read_travels_to_a_worker_without_its_pixels(pictures, tmp_path):
    cache = PairCache(pictures, "report", 1, tmp_path / "pairs", seed=7)
    before = contents(cache)
    sent = pickle.dumps(cache)
    assert len(sent) < cache.path.stat().st_size / 4
    assert contents(pickle.loads(sent)) == before


def test_a_version_that_was_not_prepared_is_refused(pictures, tmp_path):
    cache = PairCache(pictures, "report", 2, tmp_path / "pairs", seed=7)
    with pytest.raises(IndexError, match="2 versions"):
        cache[0, 2]


def test_a_folder_that_cannot_be_written_to_is_said_in_a_line(pictures, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadOutput, match="cannot write into"):
        PairCache(pictures, "report", 1, tmp_path / "file" / "pairs", seed=7)
