"""Several experts and a measured degradation -> the weights of one plain student, in NumPy."""

from dataclasses import replace

import numpy as np

from engine.students import RANGES


def shares(card, degradation):
    """How much of each expert a student with several takes for a degradation: (experts,) float32, positive, sum 1."""
    logits = card.weights["mixer.weight"] @ np.array(degradation.vector(), np.float32) + card.weights["mixer.bias"]
    exponentials = np.exp(logits - logits.max())
    return exponentials / exponentials.sum()


def assembled(card, degradation):
    """The card of the one plain student that a card's experts are mixed into; a plain card comes back as it is.

    Assembled convolutions: Guo et al., AsConvSR, CVPR workshops 2023.
    """
    if card.config.experts == 1:
        return card
    mix, weights = shares(card, degradation), {}
    for layer in card.config.layers():
        kernel = card.weights[f"{layer}.weight"]
        if card.config.mixed == "gains":
            gain = mix @ card.weights[f"{layer}.gain"]
            weights[f"{layer}.weight"] = kernel * gain[:, None, None, None]
        else:
            weights[f"{layer}.weight"] = np.tensordot(mix, kernel, axes=1)
        weights[f"{layer}.bias"] = mix @ card.weights[f"{layer}.bias"]
    if card.config.quantised:
        weights[RANGES] = mix[None] @ card.weights[RANGES]
    return replace(card, config=card.config.plain, weights=weights)
