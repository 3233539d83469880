"""The students: their configurations, and for each the names and shapes of its weights. Knows no framework.

A luma student maps Y in [0, 1] to what to add to it:

    Y (1, H, W) -> head: (3 x stride)^2 convolution, step `stride`, to `width` channels, ReLU
                -> `depth` times: 3x3 convolution, ReLU
                -> tail: 3x3 convolution to stride^2 channels -> PixelShuffle -> residual (1, H, W)

H and W are multiples of the stride. The head is also a 3x3 convolution over the stride x stride pixels of a place, as
engine.graph writes it. A student with several experts holds several sets of these weights, an estimator that measures
the picture's degradation and a mixer that turns what it measured into shares of the experts: their sum is one plain
student again (engine.assemble), so that a frame costs the same. The report's student maps RGB to RGB at full
resolution; its residual is its output minus its input.
"""

from dataclasses import dataclass, replace

from engine.errors import BadSetting

RANGES = "ranges"  # the tensor (experts, convolutions before the tail) of the largest activations, of [0, 1] luma
MEASURED = 4  # numbers that the estimator gives and the mixer takes: engine.degradation.Degradation.vector()

# Weight name -> shape, in the order of the forward pass; distill.mixture and engine.graph say what is done with them.
ESTIMATOR_SHAPES: dict[str, tuple[int, ...]] = {
    "estimator.head.weight": (16, 1, 6, 6),
    "estimator.head.bias": (16,),
    "estimator.body.0.weight": (32, 16, 3, 3),
    "estimator.body.0.bias": (32,),
    "estimator.body.1.weight": (32, 32, 3, 3),
    "estimator.body.1.bias": (32,),
    "estimator.attention.weight": (1, 32, 1, 1),
    "estimator.attention.bias": (1,),
    "estimator.hidden.weight": (48, 65),
    "estimator.hidden.bias": (48,),
    "estimator.output.weight": (MEASURED, 48),
    "estimator.output.bias": (MEASURED,),
}


@dataclass(frozen=True)
class StudentConfig:
    """A luma student.

    Raises BadSetting when a number is outside its range.
    """

    stride: int = 4  # pixels per feature position, each side
    width: int = 32  # channels
    depth: int = 5  # 3x3 convolutions between head and tail
    experts: int = 1  # sets of weights that the measured degradation mixes into one; 1: a plain, blind student
    mixed: str = "weights"  # what each expert has of its own: all "weights", or "gains" and biases over shared filters
    quantised: bool = False  # also knows the ranges of its activations, so that it can be run in 8 bits

    def __post_init__(self):
        for name, low, high in (("stride", 1, 8), ("width", 1, 512), ("depth", 0, 64), ("experts", 1, 64)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise BadSetting(f"student {name} must be a whole number from {low} to {high}, not {value!r}")
        if self.mixed not in ("weights", "gains"):
            raise BadSetting(f"student mixed must be 'weights' or 'gains', not {self.mixed!r}")
        if not isinstance(self.quantised, bool):
            raise BadSetting(f"student quantised must be true or false, not {self.quantised!r}")

    @property
    def channels(self):
        """Planes that go in and come out."""
        return 1

    @property
    def features(self):
        """Channels before the tail."""
        return self.width

    @property
    def reach(self):
        """Pixels on each side that can change an output pixel, rounded up to a multiple of the stride."""
        return self.stride * (self.depth + 3)

    @property
    def plain(self):
        """The configuration of the one student that the experts are mixed into."""
        return replace(self, experts=1, mixed="weights")

    def layers(self):
        """Names of the convolutions, in the order of the forward pass."""
        return ["head", *(f"body.{index}" for index in range(self.depth)), "tail"]

    def shapes(self):
        """Name -> shape of the weights of one plain student, in the order of the forward pass."""
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

    def stored_shapes(self):
        """Name -> shape of what a card holds: one student, or the experts, their mixer and the estimator."""
        plain = self.shapes()
        ranges = {RANGES: (self.experts, self.depth + 1)} if self.quantised else {}
        if self.experts == 1:
            return plain | ranges
        stored: dict[str, tuple[int, ...]] = {}
        for layer in self.layers():
            weight, bias = plain[f"{layer}.weight"], plain[f"{layer}.bias"]
            if self.mixed == "gains":
                stored[f"{layer}.weight"] = weight
                stored[f"{layer}.gain"] = (self.experts, *bias)
            else:
                stored[f"{layer}.weight"] = (self.experts, *weight)
            stored[f"{layer}.bias"] = (self.experts, *bias)
        stored |= {"mixer.weight": (self.experts, MEASURED), "mixer.bias": (self.experts,)}
        return stored | ranges | ESTIMATOR_SHAPES

    def macs_per_pixel(self):
        """Multiply-accumulates for one full-resolution pixel."""
        area, width = self.stride**2, self.width
        return (9 * area * width + 9 * width * width * self.depth + 9 * width * area) / area


@dataclass(frozen=True)
class ReportConfig:
    """The project report's student: 334,147 parameters, 3x3 convolutions 3->32->64, four residual blocks, 64->32->3."""

    @property
    def stride(self):
        """Every pixel is a position of features."""
        return 1

    @property
    def channels(self):
        """Planes that go in and come out: R, G, B."""
        return 3

    @property
    def features(self):
        """Channels before the tail."""
        return 64

    @property
    def plain(self):
        """Itself: it has no experts."""
        return self

    @property
    def experts(self):
        """One set of weights: it is blind."""
        return 1

    @property
    def quantised(self):
        """It runs in 32 bits alone."""
        return False

    @property
    def reach(self):
        """Pixels on each side that can change an output pixel: one for each of the twelve convolutions."""
        return 12

    def stored_shapes(self):
        """Name -> shape of what a card holds."""
        return self.shapes()

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
    """Number of weights and biases of the one network that runs on a frame."""
    return sum(_product(shape) for shape in config.shapes().values())


def _product(shape):
    result = 1
    for side in shape:
        result *= side
    return result


STUDENTS: dict[str, StudentConfig | ReportConfig] = {
    "nano": StudentConfig(stride=4, width=24, depth=3, experts=8),
    "small": StudentConfig(stride=4, width=32, depth=5, experts=8),
    "base": StudentConfig(stride=2, width=64, depth=8, experts=8, mixed="gains"),
    "report": ReportConfig(),
}

REPORT_PARAMETERS = 334_147  # stated by the project report; base may not have more
