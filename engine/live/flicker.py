"""Measures flicker: how much pictures change from frame to frame where nothing moves, before and after sharpening.

    python -m engine.live.flicker ../shared/data/video/*.mp4 --blur 1.5 --noise 2 4 8 --json assets/results/flicker.json

Sensor noise is added to a clip (seeded), the noisy clip is sharpened as live, and on the pixels that stand still in the
clip without noise the mean absolute change of luma from one frame to the next is compared: after / before.
"""

import argparse
import itertools
import json
import shlex
import sys
from pathlib import Path

import cv2
import numpy as np

from engine.live.frames import Frame
from engine.pixels import student_input

STILL = 1.0  # grey levels: a change of the smoothed luma below it is no motion
_SMOOTH = 9  # pixels, side of the square over which motion is looked for
_LEAST_SHARE = 0.02  # of the pixels; with fewer that stand still a pair of frames says nothing


def still_mask(clean, clean_before):
    """Where nothing moves between two frames without noise: (H, W) bool. Both (H, W) uint8 luma."""
    change = clean.astype(np.float32) - clean_before
    return cv2.blur(np.abs(change), (_SMOOTH, _SMOOTH)) < STILL


class Flicker:
    """Mean absolute change on still pixels, of two streams side by side, over any number of frames."""

    def __init__(self):
        self._last = None
        self.before_sum = self.after_sum = 0.0
        self.pixels = 0

    def add(self, clean, noisy, sharp):
        """One moment of the clip, the noisy clip and what was made of it: (H, W) uint8 luma, each."""
        if self._last is not None:
            last_clean, last_noisy, last_sharp = self._last
            still = still_mask(clean, last_clean)
            if still.mean() >= _LEAST_SHARE:
                self.before_sum += float(_change(noisy, last_noisy)[still].sum(dtype=np.float64))
                self.after_sum += float(_change(sharp, last_sharp)[still].sum(dtype=np.float64))
                self.pixels += int(still.sum())
        self._last = clean, noisy, sharp

    def figures(self):
        """{"before", "after": grey levels, "ratio"}; ratio None where nothing changed or nothing stood still."""
        before, after = (total / max(1, self.pixels) for total in (self.before_sum, self.after_sum))
        ratio = round(after / before, 3) if before > 0 else None
        return {"before": round(before, 3), "after": round(after, 3), "ratio": ratio}


def measure_flicker(frames, sharpener, noise, blur=0.0, strength=1.0, fps=30.0, seed=0):
    """Flicker.figures() of a clip that is first blurred (a sharp one is left as it is), then given noise.

    frames: (H, W, 3) uint8 RGB, one after another; sharpener: a StreamSharpener; noise: standard deviation of the
    sensor's Gaussian noise, each channel by itself, in grey levels; blur: of the lens, a Gaussian's, in pixels.
    """
    rng, flicker = np.random.default_rng(seed), Flicker()
    for index, clean in enumerate(frames):
        if blur:
            clean = cv2.GaussianBlur(clean, (0, 0), blur)
        noisy = np.clip(clean + rng.normal(0, noise, clean.shape), 0, 255).round().astype(np.uint8)
        sharp = sharpener(Frame(noisy, index, index / fps), strength)
        flicker.add(*(student_input(pixels, 1)[:, :, 0] for pixels in (clean, noisy, sharp)))
    return flicker.figures()


def _change(luma, before):
    return np.abs(luma.astype(np.float32) - before)


def main(argv):
    """`python -m engine.live.flicker CLIP`; the exit status."""
    from engine.atomic_write import write_atomically
    from engine.commands.places import check_json_place
    from engine.live.steady import Steady
    from engine.live.stream_sharpener import StreamSharpener
    from engine.provenance import provenance
    from engine.video.reader import VideoReader, upright_rgb

    parser = argparse.ArgumentParser(description="flicker on the still parts of noisy clips, after / before sharpening")
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--model", nargs="+", default=["small"])
    parser.add_argument("--noise", nargs="+", type=float, default=[2.0, 4.0, 8.0], help="grey levels")
    parser.add_argument("--blur", nargs="+", type=float, default=[1.0, 2.0], help="of the lens, pixels")
    parser.add_argument("--strength", type=float, default=1.0)
    parser.add_argument("--frames", type=int, default=60, help="of each clip (default: %(default)s)")
    parser.add_argument("--json", metavar="FILE")
    args = parser.parse_args(argv)
    if args.json is not None:
        check_json_place(args.json)
    rows = []
    for clip, model, blur, noise, steady in itertools.product(
        args.clips, args.model, args.blur, args.noise, (False, True)
    ):
        with VideoReader(clip) as reader, StreamSharpener(model, steady=Steady() if steady else None) as sharpener:
            frames = map(upright_rgb, itertools.islice(reader.frames(), args.frames))
            figures = measure_flicker(frames, sharpener, noise, blur, args.strength, float(reader.rate))
        row = {"clip": Path(clip).name, "model": model, "blur": blur, "noise": noise, "steady": steady} | figures
        rows.append(row)
        print(" ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    if args.json is not None:
        results = provenance(shlex.join(["python", "-m", "engine.live.flicker", *argv]))
        results |= {"strength": args.strength, "frames": args.frames, "seed": 0, "rows": rows}
        write_atomically(Path(args.json), (json.dumps(results, indent=1) + "\n").encode(), overwrite=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
