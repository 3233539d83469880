"""One picture of a stream, with its number and the time at which it was captured; nothing travels without them."""

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, eq=False)
class Frame:
    """pixels: (H, W, 3) uint8 RGB, never written to after it is made; index: 0, 1, ... in the order of capture."""

    pixels: Any
    index: int
    captured_at: float  # seconds, on the clock of the pipeline (time.monotonic)

    def with_pixels(self, pixels):
        """The same moment with other pixels."""
        return replace(self, pixels=pixels)
