"""The curves of a training run as the charts take them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

AXES = {"epoch": "epoch", "step": "step", "hours": "hours since the run began"}


@dataclass(frozen=True)
class Curve:
    """One quantity over a run: float arrays of one length, NaN where the log does not say; values are finite."""

    step: np.ndarray
    epoch: np.ndarray
    hours: np.ndarray
    values: np.ndarray

    def over(self, axis):
        """(x, values) where x is known. axis: of AXES; steps stand for epochs in a log that knows none."""
        x = getattr(self, axis)
        known = np.isfinite(x)
        if axis == "epoch" and not known.any():
            return self.over("step")
        return x[known], self.values[known]

    def __len__(self):
        return len(self.values)


@dataclass(frozen=True)
class RunCurves:
    """A run as it was read. curves: name of a quantity -> Curve, in the log's order; settings: {} where unknown."""

    name: str
    curves: dict[str, Curve]
    settings: dict[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()  # one line each
    share_read: float = 1.0  # of the bytes

    def curve(self, name):
        """The Curve, or one without points."""
        return self.curves.get(name, _NONE)

    def best(self, name="val_ssim"):
        """Index of the largest value of a curve, None without any."""
        values = self.curve(name).values
        return int(values.argmax()) if len(values) else None


_NONE = Curve(*(np.empty(0) for _ in range(4)))
