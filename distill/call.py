"""The call recipe: what a camera and a video call do to a sharp picture, drawn first, then applied in their order.

Out of focus or moving -> scaled down and back up -> sensor noise, more of it in low light -> a coder.
"""

import math
from dataclasses import asdict, dataclass

import cv2
import numpy as np

from distill.codecs import VIDEO_CODERS, jpeg, video
from engine.degradation import RANGES, Degradation

_DOWN = {"area": cv2.INTER_AREA, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}
_UP = {"bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}
_KERNEL_SIDE = 11  # pixels: a disc of radius 3, or a line of 9, with soft edges
_MID_GREY = 128
_LUMA_SHARE = math.sqrt(0.299**2 + 0.587**2 + 0.114**2)  # of channel noise that luma shows (BT.601)
_STEEPEST = 2.0  # tone curve near black; the standard's 4.5 would turn black to grey, and cameras flatten it


@dataclass(frozen=True)
class CallDegradation:
    """One drawn sample; the values that stand here leave a picture as it is."""

    blur: str = "none"  # "none", "defocus" or "motion"
    extent: float = 0.0  # pixels: radius of the disc (0 to 3) or length of the line (0 to 9)
    angle: float = 0.0  # of the motion, radians
    factor: float = 1.0  # sides are divided by it and enlarged again: 1, or 1.5 to 3
    down: str = "area"  # "area", "bilinear" or "bicubic"
    up: str = "bilinear"  # "bilinear" or "bicubic"
    noise: float = 0.0  # in good light, standard deviation in luma on mid-grey, grey levels
    exposure: float = 1.0  # times too little light, gained back up after the noise: 1 to 4
    shot: float = 1.0  # share of that noise's variance that is photons' (Poisson); the rest is the electronics'
    noise_seed: int = 0
    coder: str = "none"  # "none", "jpeg" or one of distill.codecs.VIDEO_CODERS
    jpeg_quality: int = 0  # 30 to 95 with "jpeg"
    bits_per_pixel: float = 0.0  # with video: 0.04 to 0.3, at 640x480 about 0.4 to 2.8 Mbit/s
    frames: int = 0  # of the stream, 5 to 8; the last one is kept
    pan_y: int = 0  # pixels a frame, -3 to 3
    pan_x: int = 0

    margin = 32  # pixels around a crop that can reach into it
    revision = 1  # counts changes that make other pictures of the same draw, for whoever keeps them

    @classmethod
    def sample(cls, rng):
        """Each part by itself; about a third have no blur, a third no scaling, a quarter no noise, a sixth no coder."""
        blur = str(rng.choice(["none", "defocus", "motion"], p=[0.3, 0.4, 0.3]))
        drawn = {"blur": blur}
        if blur != "none":
            drawn |= {"extent": float(rng.uniform(0, 3 if blur == "defocus" else 9))}
            drawn |= {"angle": float(rng.uniform(0, math.pi)) if blur == "motion" else 0.0}
        if rng.random() > 1 / 3:
            drawn |= {"factor": float(rng.uniform(1.5, 3)), "down": str(rng.choice(list(_DOWN)))}
            drawn |= {"up": str(rng.choice(list(_UP)))}
        if rng.random() > 1 / 4:
            drawn |= {"noise": float(rng.uniform(0.3, 4)), "shot": float(rng.uniform(0.6, 1))}
            drawn |= {"exposure": float(rng.uniform(1, 4)) if rng.random() < 0.4 else 1.0}
        drawn |= {"noise_seed": int(rng.integers(2**31))}
        coder = str(rng.choice(["none", "jpeg", *VIDEO_CODERS], p=[1 / 6, 1 / 6, 1 / 6, 1 / 6, 1 / 6, 1 / 6]))
        drawn |= {"coder": coder}
        if coder == "jpeg":
            drawn |= {"jpeg_quality": int(rng.integers(30, 96))}
        elif coder != "none":
            drawn |= {"bits_per_pixel": float(np.exp(rng.uniform(math.log(0.04), math.log(0.3))))}
            drawn |= {"frames": int(rng.integers(5, 9))}
            drawn |= {"pan_y": int(rng.integers(-3, 4)), "pan_x": int(rng.integers(-3, 4))}
        return cls(**drawn)

    def apply(self, clean):
        """clean: (H, W, 3) uint8 RGB. Returns the degraded picture, same shape and type."""
        return self.degrade(clean)[0]

    def degrade(self, clean):
        """(degraded, Degradation): as apply, and its truth, of which noise and compression are measured here."""
        soft = np.clip(self.soften(clean.astype(np.float32)), 0, 255)
        frames = self._stream(soft)
        sent = frames[-1]
        if self.coder == "none":
            received = sent
        elif self.coder == "jpeg":
            received = jpeg(sent, self.jpeg_quality)
        else:
            received = video(frames, self.coder, self.bits_per_pixel)
        noise = float(np.std(_luma(sent) - _luma(soft))) if self.noise else 0.0
        compression = float(np.sqrt(np.mean((_luma(received) - _luma(sent)) ** 2)))
        most = {name: RANGES[name][1] for name in ("noise", "compression")}  # noise as a picture can exceed them
        truth = Degradation(
            blur=self.effective_blur(*clean.shape[:2]),
            noise=min(noise, most["noise"]),
            compression=min(compression, most["compression"]),
            upscaling=self.factor,
        )
        return received, truth

    def soften(self, image):
        """The linear part, blur and scaling. image: (H, W) or (H, W, C) float32. Returns the same shape.

        The small picture's sides are rounded, at least one pixel.
        """
        height, width = image.shape[:2]
        blurred = image if self.blur == "none" else cv2.filter2D(image, -1, self.taps())
        if self.factor == 1:
            return blurred
        small = cv2.resize(blurred, self.small_size(height, width)[::-1], interpolation=_DOWN[self.down])
        return cv2.resize(small, (width, height), interpolation=_UP[self.up])

    def scaling(self, length):
        """(length, length) float64: what one side's values become, scaled down and back up, as a matrix."""
        rows = np.eye(length)
        if self.factor == 1:
            return rows
        small = cv2.resize(rows, (length, self.small_size(length, length)[0]), interpolation=_DOWN[self.down])
        return cv2.resize(small, (length, length), interpolation=_UP[self.up])

    def small_size(self, height, width):
        """(height, width) of the scaled-down picture."""
        return max(1, round(height / self.factor)), max(1, round(width / self.factor))

    def taps(self):
        """(11, 11) float32 that sums to 1: a disc whose edge is one pixel soft, or a line; a point where it is 0."""
        offsets = np.arange(_KERNEL_SIDE) - _KERNEL_SIDE // 2
        if self.blur == "motion":
            along = self.extent * np.linspace(-0.5, 0.5, 91)  # ten points a pixel at the longest
            ys, xs = (np.maximum(0, 1 - abs(offsets[:, None] - f(self.angle) * along)) for f in (math.sin, math.cos))
            taps = ys @ xs.T
        elif self.blur == "defocus":
            taps = np.clip(self.extent + 0.5 - np.hypot(offsets[:, None], offsets), 0, 1)
        else:
            taps = np.outer(offsets == 0, offsets == 0)
        return (taps / taps.sum()).astype(np.float32)

    def effective_blur(self, height, width):
        """Width in pixels of the point spread of kernel and scaling: root of its second moment, mean of both axes.

        Where sharpening interpolation outweighs the rest the moment is below 0; that is no blur.
        """
        offsets = np.arange(_KERNEL_SIDE) - _KERNEL_SIDE // 2
        kernel = self.taps().astype(np.float64)
        moments = kernel.sum(1) @ offsets**2 + kernel.sum(0) @ offsets**2
        moments += self._scaling_moment(height) + self._scaling_moment(width)
        return math.sqrt(max(0.0, moments / 2))

    def noise_std(self, image):
        """Standard deviation of each channel's noise, grey levels. image: float32 in [0, 255]; returns its shape.

        Variance in linear light is a * light + b (Foi et al. 2008, doi:10.1109/TIP.2008.2001399), light * exposure
        and electronics * exposure^2 once gained back up; carried to first order through the curve of BT.709.
        """
        return cv2.LUT(_to_uint8(image), self.noise_levels())

    def noise_levels(self):
        """noise_std of the 256 grey levels, (256,) float32."""
        levels = np.arange(256) / 255
        light = np.where(levels < 0.081, levels / 4.5, ((levels + 0.099) / 1.099) ** (1 / 0.45))
        slope = np.minimum(_STEEPEST, 1.099 * 0.45 * np.maximum(light, 1e-3) ** -0.55)
        grey = light[_MID_GREY]
        variance = self.exposure * self.shot * light / grey + self.exposure**2 * (1 - self.shot)
        return (self.noise / _LUMA_SHARE * slope / slope[_MID_GREY] * np.sqrt(variance)).astype(np.float32)

    def record(self):
        """The drawn parameters as plain values, for logs and tables."""
        return asdict(self)

    def _stream(self, soft):
        """The frames that go into the coder, oldest first, (H, W, 3) uint8; the last lies on the picture's grid."""
        height, width = soft.shape[:2]
        count = max(1, self.frames)
        reach_y, reach_x = (count - 1) * abs(self.pan_y), (count - 1) * abs(self.pan_x)
        scene = cv2.copyMakeBorder(soft, reach_y, reach_y, reach_x, reach_x, cv2.BORDER_REPLICATE)
        if self.noise:
            rng = np.random.default_rng(self.noise_seed)
            std = self.noise_std(scene)
            grain = rng.standard_normal(soft.shape, np.float32)
        frames = []
        for ago in reversed(range(count)):
            top, left = reach_y - ago * self.pan_y, reach_x - ago * self.pan_x
            window = (slice(top, top + height), slice(left, left + width))
            frame = scene[window]
            if self.noise:  # the same grain at another place is as good as new, and cheap
                moved = np.roll(grain, int(rng.integers(grain.size))) if ago else grain
                frame = frame + std[window] * moved
            frames.append(_to_uint8(frame))
        return frames

    def _scaling_moment(self, length):
        """Second moment along a side, square pixels, of down and up: what its weights make of x and of x^2."""
        weights, place = self.scaling(length), np.arange(length) - length / 2
        spread = weights @ place**2 - 2 * place * (weights @ place) + place**2
        return np.mean(spread[length // 4 : length - length // 4])  # beyond the reach of the borders


def _luma(pixels):
    return cv2.cvtColor(pixels.astype(np.float32), cv2.COLOR_RGB2GRAY)


def _to_uint8(image):
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)
