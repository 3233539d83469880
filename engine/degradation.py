"""What is wrong with a picture, in the four numbers that a student is conditioned on."""

import math
from dataclasses import dataclass

from engine.errors import BadSetting

# name: (least, most, what it is)
RANGES = {
    "blur": (0.0, 8.0, "pixels"),
    "noise": (0.0, 64.0, "grey levels"),
    "compression": (0.0, 64.0, "grey levels"),
    "upscaling": (1.0, 8.0, "times"),
}


@dataclass(frozen=True)
class Degradation:
    """How a sharp picture became the one at hand. Raises BadSetting when a number is outside its range."""

    blur: float = 0.0  # effective width: standard deviation of the whole point-spread function, per axis, in pixels
    noise: float = 0.0  # standard deviation of the sensor's noise in luma, grey levels of 255
    compression: float = 0.0  # root mean square of what a coder changed in luma, grey levels of 255
    upscaling: float = 1.0  # how many times larger than its detail the picture is, each side

    def __post_init__(self):
        for name, (least, most, unit) in RANGES.items():
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not (math.isfinite(value) and least <= value <= most):
                raise BadSetting(f"{name} must be a number from {least:g} to {most:g} {unit}, not {value!r}")

    def vector(self):
        """The four numbers in their order as a student's mixer takes them, each about 0 to 1."""
        return (
            self.blur / 2.5,
            math.log1p(self.noise) / 3,
            math.log1p(self.compression) / 3,
            (self.upscaling - 1) / 2,
        )

    @property
    def words(self):
        """For people: "blur 1.7 px, noise 2, compression 3, enlarged 2x"."""
        facts = [f"blur {self.blur:.1f} px", f"noise {self.noise:.0f}", f"compression {self.compression:.0f}"]
        if self.upscaling >= 1.05:
            facts.append(f"enlarged {self.upscaling:.1f}".removesuffix(".0") + "x")
        return ", ".join(facts)

    @classmethod
    def from_vector(cls, vector):
        """The degradation of a vector(), its numbers clipped to their ranges."""
        blur, noise, compression, upscaling = (float(number) for number in vector)
        values = (2.5 * blur, math.expm1(3 * noise), math.expm1(3 * compression), 1 + 2 * upscaling)
        clipped = (min(max(value, low), high) for value, (low, high, _) in zip(values, RANGES.values(), strict=True))
        return cls(*clipped)


# For who cannot measure: about the mean of what distill's recipes draw. Told noise 0, a student sharpens noise, too.
TYPICAL = Degradation(blur=1.4, noise=1.0, compression=2.0, upscaling=2.0)
