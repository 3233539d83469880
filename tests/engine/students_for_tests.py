"""Students with random weights as cards, large enough that every layer matters: the engine is tested untrained."""

import numpy as np

from engine.cards import Card
from engine.students import STUDENTS


def random_card(name="nano", seed=0, config=None):
    """A card whose student changes a picture by some grey levels."""
    config = config or STUDENTS[name]
    rng = np.random.default_rng(seed)
    last = list(config.shapes())[-2]  # the tail's weight
    weights = {}
    for key, shape in config.shapes().items():
        fan_in = np.prod(shape[1:]) if len(shape) > 1 else 100
        gain = 0.06 if key == last else 1
        weights[key] = (gain * rng.normal(0, np.sqrt(1.5 / fan_in), shape)).astype(np.float16).astype(np.float32)
    return Card(name, config, weights, {"settings": {"seed": seed}}, {"val_ssim": 0.5})
