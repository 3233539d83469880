"""Degradations: how a sharp picture becomes the soft one that a student sees. First drawn, then applied."""

import hashlib
from dataclasses import asdict, dataclass

import cv2
import numpy as np

_INTERPOLATIONS = {"bicubic": cv2.INTER_CUBIC, "bilinear": cv2.INTER_LINEAR}


@dataclass(frozen=True)
class ReportDegradation:
    """The project report's: Gaussian blur, half the size and back up. One drawn sample of it."""

    kernel: int  # side of the Gaussian kernel in pixels: 5, 7 or 9
    sigma: float  # of the Gaussian, in pixels: 1.0 to 2.5
    interpolation: str  # "bicubic" or "bilinear", down and up

    margin = 16  # pixels around a crop that can reach into it: the kernel's half side and the resampling taps

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

    def record(self):
        """The drawn parameters as plain values, for logs and tables."""
        return asdict(self)


RECIPES = {"report": ReportDegradation}


def degradation_named(name, recipe="report"):
    """The fixed draw of a test picture: the generator is seeded with SHA-256 of its file name's stem."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest(), "big")
    return RECIPES[recipe].sample(np.random.default_rng(seed))
