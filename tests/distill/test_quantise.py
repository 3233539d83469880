"""Laws of training for 8 bits: what is rounded is what the engine rounds, gradients pass, ranges are learnt."""

import cv2
import numpy as np
import pytest
from skimage import data

from engine.cards import Card
from engine.degradation import Degradation
from engine.errors import BadSetting
from engine.pixels import as_levels, student_input
from engine.sharpener import Sharpener
from engine.students import StudentConfig

torch = pytest.importorskip("torch", reason="torch is not installed")
from distill.learners import learner_config  # noqa: E402 - after the check that torch is there
from distill.mixture import MixtureNetwork  # noqa: E402 - after the check that torch is there
from distill.quantise import calibrate, rounded_activations, rounded_filters  # noqa: E402 - as above

CONFIGS = [
    StudentConfig(4, 16, 2, experts=4, quantised=True),
    StudentConfig(2, 8, 3, experts=3, mixed="gains", quantised=True),
]
SEEN = student_input(cv2.GaussianBlur(data.astronaut(), (0, 0), 1.6)[100:260, 60:300], 1)
BATCH = torch.from_numpy(SEEN[None, :, :, 0])[None].float() / 255


def network_of(config):
    torch.manual_seed(3)
    network = MixtureNetwork(config).eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if not name.startswith("estimator."):
                parameter += 0.05 * parameter.std() * torch.randn_like(parameter)
        network.tail.weight *= 6  # so that it adds some grey levels
    calibrate(network, [BATCH])
    return network


@pytest.mark.parametrize("backend", ["openvino", "onnx"])
@pytest.mark.parametrize("config", CONFIGS, ids=["weights", "gains"])
def test_the_network_that_is_trained_gives_what_the_engine_gives_in_8_bits(config, backend):
    pytest.importorskip({"openvino": "openvino", "onnx": "onnxruntime"}[backend])
    network = network_of(config)
    with torch.no_grad():
        told = Degradation(1.7, 2, 1, 1.5)
        trained = 255 * network(BATCH, torch.tensor([told.vector()]))[0][0, 0].numpy()
    card = Card("mixture", config, {name: value.detach().numpy() for name, value in network.state_dict().items()})
    with Sharpener(card, backend=backend, precision="int8", degradation=told) as sharpener:
        run = as_levels(sharpener.residual(SEEN))[:, :, 0]
    assert np.sqrt(np.mean(trained**2)) > 3
    # the engine rounds to whole levels, which costs 0.29 root mean square; single activations may round otherwise
    assert np.sqrt(np.mean((run - trained) ** 2)) < 0.3
    assert np.mean(np.abs(run - trained) > 0.501) < 0.05 and np.mean(np.abs(run - trained) > 1.5) < 1e-3


def test_filters_have_127_steps_a_channel_and_gradients_pass():
    kernels = torch.randn(5, 8, 3, 3, requires_grad=True)
    rounded, steps = rounded_filters(kernels)
    torch.testing.assert_close(steps, kernels.detach().abs().amax((1, 2, 3)) / 63)
    for kernel, before in zip(rounded.detach(), kernels.detach()):
        step = before.abs().max() / 63
        levels = kernel / step
        torch.testing.assert_close(levels, levels.round(), atol=1e-4, rtol=0)
        assert levels.abs().max() <= 63.001 and (kernel - before).abs().max() <= step / 2 * 1.001
    rounded.sum().backward()
    torch.testing.assert_close(kernels.grad, torch.ones_like(kernels))


def test_activations_are_clipped_and_the_range_learns_from_it():
    features = torch.tensor([0.11, 0.62, 2.0]).view(1, 3, 1, 1).requires_grad_()
    most = torch.tensor([1.0], requires_grad=True)
    rounded = rounded_activations(features, most)
    torch.testing.assert_close(rounded.flatten(), torch.tensor([28 / 255, 158 / 255, 1.0]), atol=1e-6, rtol=0)
    rounded.sum().backward()
    torch.testing.assert_close(features.grad.flatten(), torch.tensor([1.0, 1.0, 0.0]))
    assert most.grad.item() == pytest.approx(1 - (0.05 + 0.10) / 255, abs=1e-4)  # Esser et al. 2020, equation 3


def test_first_ranges_hold_almost_all_activations():
    network = network_of(CONFIGS[0])
    with torch.no_grad():
        told = torch.tensor([Degradation().vector()])
        network.ranges[:, 0] = 1e9  # nothing is clipped
        head = torch.relu(
            network._convolve(network.head, BATCH, torch.softmax(network.mixer(told), 1), 4, 4, torch.ones(1))
        )
    calibrate(network, [BATCH])
    assert 0.5 * head.max() < network.ranges[0, 0] < 2 * head.max()


@pytest.mark.parametrize("student, experts", [("report", None), ("nano", 1), ("rrdb-small", None)])
def test_what_has_no_experts_is_not_trained_for_8_bits(student, experts):
    with pytest.raises(BadSetting, match="has none"):
        learner_config(student, experts, quantised=True)
