"""Tables by one parameter: the same pictures at fixed sigma, noise and coder quality, and untouched ones.

    sigma     Gaussian kernel of 9, bicubic to half the size and back, sigma 1.0, 1.5, 2.0, 2.5
    noise     0, 2, 5, 10 grey levels in each channel (on mid-grey); seeded by the file name
    quality   JPEG 30, 50, 70, 90, and H.264 as a call sends it at 0.04, 0.08, 0.15, 0.3 bits a pixel
    clean     the sharp picture itself

With the recipe `report`, noise and quality come after its mean setting (kernel 7, sigma 1.75, bicubic), Gaussian and
alike everywhere; with `call` they replace those of each picture's own draw: blur, scaling and shot noise stay.
"""

import hashlib
import math
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np

from distill.call import CallDegradation
from distill.degrade import ReportDegradation, degradation_named
from engine.degradation import Degradation

SIGMAS = (1.0, 1.5, 2.0, 2.5)
NOISES = (0, 2, 5, 10)
JPEG_QUALITIES = (30, 50, 70, 90)
H264_BITS_PER_PIXEL = (0.04, 0.08, 0.15, 0.3)

_MEAN = ReportDegradation(kernel=7, sigma=1.75, interpolation="bicubic")
_LUMA_SHARE = math.sqrt(0.299**2 + 0.587**2 + 0.114**2)  # of channel noise that luma shows
_NO_CODER = {"coder": "none", "jpeg_quality": 0, "bits_per_pixel": 0.0, "frames": 0, "pan_y": 0, "pan_x": 0}


@dataclass(frozen=True)
class Untouched:
    """The clean picture as it is."""

    def degrade(self, clean):
        """(clean, Degradation of nothing)."""
        return clean, Degradation()

    def record(self):
        """No parameters."""
        return {}


@dataclass(frozen=True)
class Sent:
    """A picture softened as in the report, with Gaussian noise in each channel, sent through a coder of a call."""

    soft: ReportDegradation = _MEAN
    noise: float = 0.0  # grey levels, standard deviation in each of R, G and B
    noise_seed: int = 0
    coder: CallDegradation = CallDegradation()

    def degrade(self, clean):
        """(degraded, Degradation); noise and compression of the truth are measured in luma."""
        soft, truth = self.soft.degrade(clean)
        noisy = soft
        if self.noise:
            noise = np.random.default_rng(self.noise_seed).normal(0, self.noise, soft.shape)
            noisy = np.clip(np.rint(soft + noise), 0, 255).astype(np.uint8)
        received, coded = self.coder.degrade(noisy)
        noise_in_luma = float(np.std(_luma(noisy) - _luma(soft)))
        return received, replace(truth, noise=noise_in_luma, compression=coded.compression)

    def record(self):
        """The fixed parameters as plain values."""
        coder = self.coder
        coded = {"coder": coder.coder, "jpeg_quality": coder.jpeg_quality, "bits_per_pixel": coder.bits_per_pixel}
        return self.soft.record() | {"noise": self.noise, "noise_seed": self.noise_seed} | coded


def sigma_settings(recipe):
    """{setting: function from a file name's stem to a degradation}, as those below; the recipe does not matter."""
    return {f"{sigma:g}": partial(_report_at, sigma) for sigma in SIGMAS}


def noise_settings(recipe):
    """Noise levels, by recipe as the top of this file says."""
    noisy = _noisy_call if recipe == "call" else _noisy_report
    return {f"{level:g}": partial(noisy, level) for level in NOISES}


def quality_settings(recipe):
    """JPEG qualities and H.264 bits a pixel, by recipe as the top of this file says."""
    coders = {f"jpeg {quality}": _NO_CODER | {"coder": "jpeg", "jpeg_quality": quality} for quality in JPEG_QUALITIES}
    for bits in H264_BITS_PER_PIXEL:
        stream = {"coder": "h264-veryfast", "bits_per_pixel": bits, "frames": 6, "pan_y": 1, "pan_x": 2}
        coders[f"h264 {bits:g}"] = _NO_CODER | stream
    coded = _coded_call if recipe == "call" else _coded_report
    return {name: partial(coded, coder) for name, coder in coders.items()}


def clean_settings(recipe):
    """The picture itself."""
    return {"clean": lambda stem: Untouched()}


SWEEPS = {"sigma": sigma_settings, "noise": noise_settings, "quality": quality_settings, "clean": clean_settings}


def _report_at(sigma, stem):
    return ReportDegradation(kernel=9, sigma=sigma, interpolation="bicubic")


def _noisy_report(level, stem):
    return Sent(noise=float(level), noise_seed=_seed(stem))


def _noisy_call(level, stem):
    return replace(degradation_named(stem, "call"), noise=level * _LUMA_SHARE, exposure=1.0, noise_seed=_seed(stem))


def _coded_report(coder, stem):
    return Sent(coder=CallDegradation(**coder))


def _coded_call(coder, stem):
    return replace(degradation_named(stem, "call"), **coder)


def _seed(stem):
    return int.from_bytes(hashlib.sha256(stem.encode()).digest()[:4], "big")


def _luma(pixels):
    return cv2.cvtColor(pixels.astype(np.float32), cv2.COLOR_RGB2GRAY)
