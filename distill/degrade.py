"""Degradations: how a sharp picture becomes the soft one that a student sees. First drawn, then applied."""

import hashlib
import math
from dataclasses import asdict, dataclass

import cv2
import numpy as np

from distill.call import CallDegradation
from engine.degradation import Degradation

_INTERPOLATIONS = {"bicubic": cv2.INTER_CUBIC, "bilinear": cv2.INTER_LINEAR}
# Second moment per axis, in square pixels, of what half the size and back does to a point, mean of its places:
# 1/4 down and 3/4 up; bicubic (a = -3/4) sharpens, -1/8 and -9/32. Second moments of steps in a row add up.
_HALVING_VARIANCE = {"bilinear": 1.0, "bicubic": -13 / 32}


@dataclass(frozen=True)
class ReportDegradation:
    """The project report's: Gaussian blur, half the size and back up. One drawn sample of it."""

    kernel: int  # side of the Gaussian kernel in pixels: 5, 7 or 9
    sigma: float  # of the Gaussian, in pixels: 1.0 to 2.5
    interpolation: str  # "bicubic" or "bilinear", down and up

    margin = 16  # pixels around a crop that can reach into it: the kernel's half side and the resampling taps
    revision = 1  # counts changes that make other pictures of the same draw, for whoever keeps them

    @classmethod
    def sample(cls, rng):
        """Kernel, sigma and interpolation, each uniform over its range. rng: numpy.random.Generator."""
        return cls(
            kernel=int(rng.choice([5, 7, 9])),
            sigma=float(rng.uniform(1.0, 2.5)),
            interpolation=str(rng.choice(["bicubic", "bilinear"])),
        )

    def apply(self, clean):
        """clean: (H, W, 3) uint8 RGB. Returns the degraded picture, same shape and type, rounded once at the end."""
        return np.clip(np.rint(self.soften(clean.astype(np.float32))), 0, 255).astype(np.uint8)

    def soften(self, image):
        """The linear part. image: (H, W) or (H, W, C) float32. Returns the same shape.

        The small picture has half the sides, rounded down, at least one pixel.
        """
        height, width = image.shape[:2]
        blurred = cv2.GaussianBlur(image, (self.kernel, self.kernel), self.sigma)
        flag = _INTERPOLATIONS[self.interpolation]
        small = cv2.resize(blurred, (max(1, width // 2), max(1, height // 2)), interpolation=flag)
        return cv2.resize(small, (width, height), interpolation=flag)

    def degrade(self, clean):
        """(apply(clean), truth())."""
        return self.apply(clean), self.truth()

    def truth(self):
        """The Degradation of the whole chain: the Gaussian as OpenCV cuts it off, then half the size and back."""
        taps = cv2.getGaussianKernel(self.kernel, self.sigma)[:, 0]
        variance = float(taps @ (np.arange(self.kernel) - self.kernel // 2) ** 2)
        return Degradation(blur=math.sqrt(variance + _HALVING_VARIANCE[self.interpolation]), upscaling=2.0)

    def taps(self):
        """The Gaussian, (kernel, kernel) float64 that sums to 1."""
        line = cv2.getGaussianKernel(self.kernel, self.sigma)
        return line @ line.T

    def scaling(self, length):
        """(length, length) float64: what one side's values become, halved and back up, as a matrix."""
        flag = _INTERPOLATIONS[self.interpolation]
        small = cv2.resize(np.eye(length), (length, max(1, length // 2)), interpolation=flag)
        return cv2.resize(small, (length, length), interpolation=flag)

    def record(self):
        """The drawn parameters as plain values, for logs and tables."""
        return asdict(self)


RECIPES = {"report": ReportDegradation, "call": CallDegradation}


def degradation_named(name, recipe="report"):
    """The fixed draw of a test picture: the generator is seeded with SHA-256 of its file name's stem."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest(), "big")
    return RECIPES[recipe].sample(np.random.default_rng(seed))
