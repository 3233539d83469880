"""For tests of sharpened videos: a job from end to end, with a sharpener whose change is known, and what it refuses."""

import os
from pathlib import Path

import numpy as np
import pytest

from engine.video.sharpen import SharpenVideo
from tests.engine.video.clips import contents


class Adds:
    """In a StreamSharpener's place: adds a number of grey levels."""

    def __init__(self, levels=20.0):
        self.levels, self.times = levels, []

    def luma_change(self, luma, at_s, strength, rgb=None):
        assert luma.dtype == np.uint8 and luma.ndim == 2
        self.times.append(at_s)
        return np.full(luma.shape, self.levels * strength, np.float32)


def sharpened(source, target, sharpener=None, **settings):
    """The result's Contents and the job. The best quality, so that what the coder loses is small."""
    job = SharpenVideo(source, target, sharpener or Adds(), **{"quality": 1, **settings})
    done = list(job.run())
    assert done == list(range(1, len(done) + 1))
    assert [name for name in os.listdir(Path(target).parent) if name.startswith(".whetstone")] == []
    return contents(target), job


def refused(kind, reason, work):
    with pytest.raises(kind, match=reason) as caught:
        work()
    assert "\n" not in str(caught.value)
