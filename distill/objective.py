"""What a training step minimises: the terms that its settings name, and the networks that only the terms need."""

import torch

from distill.learners import below_rather_than_above
from distill.losses import LOSSES, FeatureMatching, LayerOutputs, distillation
from distill.luma import planes
from distill.perceptual import PerceptualLoss, load_vgg19
from distill.rrdb import RRDBNet
from engine.errors import BadSetting


class Objective:
    """The losses of a run. hints: the module that matches features, trained beside the learner, or None."""

    def __init__(self, settings, config, network, teacher, device):
        self._settings, self._channels, self._teacher = settings, config.channels, teacher
        self.hints, self._perceptual = None, None
        if settings.feature_weight:
            if not isinstance(teacher.network, RRDBNet) or isinstance(network, RRDBNet):
                raise BadSetting("feature-weight matches a student with an RRDB teacher; give such a --teacher, or 0")
            self._seen = LayerOutputs(network, ["hint"]), LayerOutputs(teacher.network, ["conv_body"])
            self.hints = FeatureMatching([config.features], [teacher.network.config.width]).to(device)
        if settings.perceptual_weight:
            self._perceptual = PerceptualLoss(load_vgg19(settings.vgg)).to(device)

    def parameters(self):
        """What the optimiser trains besides the learner."""
        return [] if self.hints is None else list(self.hints.parameters())

    def teach(self, degraded, truth):
        """The teacher's picture in the learner's planes, None without a teacher.

        degraded: (N, 3, H, W) in [0, 1]; truth: (N, 4), Degradation.vector().
        """
        if self._teacher is None:
            return None
        return planes(self._teacher(degraded, truth), self._channels)

    def __call__(self, restored, clean, taught, measured, truth):
        """Named scalars, "total" among them.

        restored, clean, taught: (N, channels, H, W), taught as teach() gave it; measured, truth: (N, 4), measured None
        for a learner that measures nothing.
        """
        settings, further = self._settings, {}
        if self.hints is not None:
            found, hint = (layers.features() for layers in self._seen)
            further["feature"] = settings.feature_weight, self.hints(found, hint)
        if self._perceptual is not None:
            further["perceptual"] = settings.perceptual_weight, self._perceptual(restored, clean)
        if measured is not None:
            further["estimate"] = settings.estimate_weight, below_rather_than_above(measured, truth)
        return distillation(restored, clean, taught, alpha=settings.alpha, pixel=LOSSES[settings.loss], further=further)


def average_gradients(parameters, accelerator):
    """Mean of the gradients over all processes, for parameters that the distributed network does not hold."""
    if accelerator.num_processes > 1:
        for parameter in parameters:
            torch.distributed.all_reduce(parameter.grad)
            parameter.grad /= accelerator.num_processes
