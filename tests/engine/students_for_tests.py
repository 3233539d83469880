"""Students with random weights as cards, large enough that every layer matters: the engine is tested untrained."""

import numpy as np

from engine.cards import Card
from engine.students import RANGES, STUDENTS


def random_card(name="nano", seed=0, config=None):
    """A card whose student changes a picture by some grey levels."""
    config = config or STUDENTS[name].plain
    rng = np.random.default_rng(seed)
    last = list(config.shapes())[-2]  # the tail's weight
    weights = {}
    for key, shape in config.shapes().items():
        fan_in = np.prod(shape[1:]) if len(shape) > 1 else 100
        gain = 0.06 if key == last else 1
        weights[key] = (gain * rng.normal(0, np.sqrt(1.5 / fan_in), shape)).astype(np.float16).astype(np.float32)
    return Card(name, config, weights, {"settings": {"seed": seed}}, {"val_ssim": 0.5})


def mixture_card(name="nano", seed=0, config=None):
    """A card with several experts, each another random student, and an estimator that measures about the middle."""
    config = config or STUDENTS[name]
    rng = np.random.default_rng(seed)
    experts = [random_card(name, seed + index, config.plain).weights for index in range(config.experts)]
    weights = {}
    for key, shape in config.stored_shapes().items():
        fan_in = max(1, np.prod(shape[1:]))
        if key.endswith(".gain"):
            weights[key] = rng.uniform(0.7, 1.3, shape)
        elif key in experts[0]:
            shared = config.mixed == "gains" and key.endswith(".weight")
            weights[key] = experts[0][key] if shared else np.stack([expert[key] for expert in experts])
        elif key == RANGES:
            weights[key] = rng.uniform(1.5, 2, shape)  # holds the activations of these students
        elif key == "mixer.weight":
            weights[key] = rng.normal(0, 4, shape)
        elif key == "estimator.output.weight":
            weights[key] = rng.normal(0, 0.02, shape)
        elif key == "estimator.output.bias":
            weights[key] = np.array([0.5, 0.2, 0.2, 0.4])
        else:
            weights[key] = rng.normal(0, np.sqrt(1.5 / fan_in) if len(shape) > 1 else 0.1, shape)
    return Card(name, config, {key: np.float32(np.float16(array)) for key, array in weights.items()})
