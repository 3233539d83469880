"""Classical sharpening to compare with, tuned on validation pictures: unsharp mask, CAS, Wiener, Richardson-Lucy.

Each takes and returns (H, W, 3) uint8 RGB. The two deconvolutions are given the recipe's mean kernel, which a user
would not know.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product

import numpy as np
from skimage.restoration import richardson_lucy, wiener
from tqdm import tqdm

from distill.cas import cas
from distill.degrade import RECIPES, degradation_named
from distill.metrics import psnr
from distill.unsharp import unsharp
from engine.hardware import usable_cores

_SIDE = 31  # pixels, of the mean kernel; what of the recipes' blurs lies outside it is nothing to speak of
_PAD = 24  # pixels of reflection around a picture, so that deconvolution does not ring in from its edges

BASELINES = ("unsharp", "cas", "wiener", "richardson-lucy")


def wiener_deconvolution(degraded, kernel, balance):
    """Wiener-Hunt deconvolution (scikit-image), channel by channel; balance weighs smoothness against sharpness."""
    return _deconvolve(degraded, lambda plane: wiener(plane, kernel, balance, clip=False))


def richardson_lucy_deconvolution(degraded, kernel, iterations):
    """Richardson-Lucy deconvolution (scikit-image), channel by channel."""
    return _deconvolve(degraded, lambda plane: richardson_lucy(plane, kernel, num_iter=iterations, clip=False))


def _deconvolve(degraded, restore_plane):
    padded = np.pad(degraded, ((_PAD, _PAD), (_PAD, _PAD), (0, 0)), mode="reflect").astype(np.float32) / 255
    restored = np.stack([restore_plane(padded[:, :, channel]) for channel in range(3)], axis=2)
    return _to_uint8(255 * restored[_PAD:-_PAD, _PAD:-_PAD])


def mean_kernel(recipe, draws=500, seed=0):
    """What a recipe does to a point on average over its draws and over four neighbouring places: sums to 1."""
    rng, total = np.random.default_rng(seed), np.zeros((_SIDE, _SIDE))
    for draw in range(draws):
        top, left = 40 + draw % 2, 40 + draw // 2 % 2  # four neighbours, so that no place on a smaller grid is favoured
        image = np.zeros((80, 80), np.float32)
        image[top, left] = 1
        half = _SIDE // 2
        total += RECIPES[recipe].sample(rng).soften(image)[top - half : top + half + 1, left - half : left + half + 1]
    return (total / total.sum()).astype(np.float32)


def tune(val, recipe, baselines=BASELINES):
    """The best setting of each baseline by mean PSNR over (name, clean) validation pictures.

    Returns {baseline: {"settings": {...}, "psnr": dB, "grid": [{..., "psnr": dB}, ...]}}.
    """
    pairs = [(clean, degradation_named(name, recipe).apply(clean)) for name, clean in val]
    found = {}
    with ThreadPoolExecutor(usable_cores()) as pool:
        for baseline, (function, grid) in _candidates(recipe).items():
            if baseline not in baselines:
                continue
            rows = []
            for settings in tqdm(grid, desc=f"tuning {baseline}", unit="setting"):
                scores = pool.map(partial(_score, partial(function, **settings)), pairs)
                rows.append({**settings, "psnr": round(float(np.mean(list(scores))), 4)})
            best = max(rows, key=lambda row: row["psnr"])
            found[baseline] = {"settings": {key: best[key] for key in grid[0]}, "psnr": best["psnr"], "grid": rows}
    return found


def _score(restore, pair):
    clean, degraded = pair
    return psnr(clean, restore(degraded))


def tuned(baseline, settings, recipe):
    """A baseline as a function of the degraded picture alone."""
    function, _ = _candidates(recipe)[baseline]
    return partial(function, **settings)


def _candidates(recipe):
    kernel = mean_kernel(recipe)
    return {
        "unsharp": (
            unsharp,
            _grid(amount=[0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5], sigma=[0.6, 0.8, 1, 1.2, 1.5, 2, 2.5, 3.5]),
        ),
        "cas": (cas, _grid(strength=[0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 1])),
        "wiener": (
            partial(wiener_deconvolution, kernel=kernel),
            _grid(balance=[0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1]),
        ),
        "richardson-lucy": (
            partial(richardson_lucy_deconvolution, kernel=kernel),
            _grid(iterations=[2, 4, 8, 16, 24, 36, 50]),
        ),
    }


def _grid(**choices):
    return [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]


def _to_uint8(image):
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)
