"""The students: their configurations, and for each the names and shapes of its weights. Knows no framework.

A luma student maps Y in [0, 1] to what to add to it:

    Y (1, H, W) -> head: (3 x stride)^2 convolution, step `stride`, to `width` channels, ReLU
                -> `depth` times: 3x3 convolution, ReLU
                -> tail: 3x3 convolution to stride^2 channels -> PixelShuffle -> residual (1, H, W)

H and W are multiples of the stride. The report's student maps RGB to RGB at full resolution; its residual is its output
minus its input.
"""

from dataclasses import dataclass

from engine.errors import BadSetting


@dataclass(frozen=True)
class StudentConfig:
    """A luma student.

    Raises BadSetting when a number is outside its range.
    """

    stride: int = 4  # pixels per feature position, each side
    width: int = 32  # channels
    depth: int = 5  # 3x3 convolutions between head and tail
    condition: int = 0  # numbers measured from the picture that mix expert weights; 0: blind, the only kind so far

    def __post_init__(self):
        for name, low, high in (("stride", 1, 8), ("width", 1, 512), ("depth", 0, 64), ("condition", 0, 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise BadSetting(f"student {name} must be a whole number from {low} to {high}, not {value!r}")

    @property
    def channels(self):
        """Planes that go in and come out."""
        return 1

    @property
    def reach(self):
        """Pixels on each side that can change an output pixel, rounded up to a multiple of the stride."""
        return self.stride * (self.depth + 3)

    def shapes(self):
        """Weight name -> shape, in the order of the forward pass."""
        area, width = self.stride**2, self.width
        shapes: dict[str, tuple[int, ...]] = {
            "head.weight": (width, 1, 3 * self.stride, 3 * self.stride),
            "head.bias": (width,),
        }
        for index in range(self.depth):
            shapes[f"body.{index}.weight"] = (width, width, 3, 3)
            shapes[f"body.{index}.bias"] = (width,)
        shapes["tail.weight"] = (area, width, 3, 3)
        shapes["tail.bias"] = (area,)
        return shapes

    def macs_per_pixel(self):
        """Multiply-accumulates for one full-resolution pixel."""
        area, width = self.stride**2, self.width
        return (9 * area * width + 9 * width * width * self.depth + 9 * width * area) / area


@dataclass(frozen=True)
class ReportConfig:
    """The project report's student: 334,147 parameters, 3x3 convolutions 3->32->64, four residual blocks, 64->32->3."""

    @property
    def stride(self):
        return 1

    @property
    def channels(self):
        """Planes that go in and come out: R, G, B."""
        return 3

    @property
    def reach(self):
        """Pixels on each side that can change an output pixel: one for each of the twelve convolutions."""
        return 12

    def shapes(self):
        """Weight name -> shape, in the order of the forward pass."""
        shapes: dict[str, tuple[int, ...]] = {}

        def convolution(name, inputs, outputs):
            shapes[f"{name}.weight"] = (outputs, inputs, 3, 3)
            shapes[f"{name}.bias"] = (outputs,)

        convolution("head.0", 3, 32)
        convolution("head.1", 32, 64)
        for index in range(4):
            convolution(f"body.{index}.0", 64, 64)
            convolution(f"body.{index}.1", 64, 64)
        convolution("tail.0", 64, 32)
        convolution("tail.1", 32, 3)
        return shapes

    def macs_per_pixel(self):
        """Multiply-accumulates for one full-resolution pixel."""
        return sum(_product(shape) for name, shape in self.shapes().items() if name.endswith("weight"))


def parameter_count(config):
    """Number of weights and biases."""
    return sum(_product(shape) for shape in config.shapes().values())


def _product(shape):
    result = 1
    for side in shape:
        result *= side
    return result


STUDENTS: dict[str, StudentConfig | ReportConfig] = {
    "nano": StudentConfig(stride=4, width=24, depth=3),
    "small": StudentConfig(stride=4, width=32, depth=5),
    "base": StudentConfig(stride=2, width=64, depth=8),
    "report": ReportConfig(),
}

REPORT_PARAMETERS = 334_147  # stated by the project report; base may not have more
