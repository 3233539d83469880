"""Laws of pruning: channels that do nothing go first and are not missed, what is left is a student like any other."""

import numpy as np
import pytest

from distill.prune import pruned
from engine.cards import Card, load_card
from engine.degradation import Degradation
from engine.errors import BadSetting
from engine.students import StudentConfig
from tests.distill.pictures import write_pictures

torch = pytest.importorskip("torch", reason="torch is not installed")
from distill.mixture import MixtureNetwork  # noqa: E402 - after the check that torch is there
from distill.settings import TrainSettings  # noqa: E402 - as above
from distill.train import train  # noqa: E402 - as above

CONFIGS = [StudentConfig(4, 12, 2, experts=3), StudentConfig(2, 12, 3, experts=3, mixed="gains")]
TOLD = torch.tensor([Degradation(1.2, 0, 0, 1).vector()])


def network_of(config):
    torch.manual_seed(5)
    return MixtureNetwork(config).eval()


def weights_of(network):
    return {name: value.detach().numpy().copy() for name, value in network.state_dict().items()}


def outcome(config, weights):
    network = network_of(config)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    with torch.no_grad():
        return network(torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0)), TOLD)[0]


@pytest.mark.parametrize("config", CONFIGS, ids=["weights", "gains"])
def test_channels_that_nothing_reads_go_first_and_are_not_missed(config):
    weights, rng = weights_of(network_of(config)), np.random.default_rng(1)
    for layer, following in zip(config.layers(), config.layers()[1:], strict=False):
        idle = rng.choice(config.width, 5, replace=False)
        weights[f"{following}.weight"][..., idle, :, :] = 0
        weights[f"{layer}.weight"] *= 30  # however large the filters of what is not read are
    fewer, smaller = pruned(weights, config, config.width - 5)
    assert {name: array.shape for name, array in fewer.items()} == smaller.stored_shapes()
    whole, left = outcome(config, weights), outcome(smaller, fewer)
    assert (left - whole).abs().max() < 1e-4 * whole.abs().max()


def test_a_factor_moved_from_a_filter_to_its_reader_changes_no_choice():
    config, fewer = (StudentConfig(4, width, 0, experts=3) for width in (12, 6))
    weights = weights_of(network_of(config))
    moved = {name: array.copy() for name, array in weights.items()}
    factors = np.float32(2.0) ** np.random.default_rng(2).integers(-6, 6, config.width)
    moved["head.weight"] *= factors[:, None, None, None]
    moved["head.bias"] *= factors
    moved["tail.weight"] /= factors[:, None, None]
    one, other = (outcome(fewer, pruned(given, config, 6)[0]) for given in (weights, moved))
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_a_run_goes_on_with_the_channels_that_are_left(tmp_path):
    folder = write_pictures(tmp_path / "pictures")
    settings = {"epochs": 1, "batch_size": 4, "crop": 64, "crops_per_picture": 2, "val_pictures": 2, "workers": 0}
    path = train(TrainSettings(str(folder), "nano", init="nano", prune=16, ema=0, **settings), tmp_path / "run")
    card, whole = load_card(path), load_card("nano")
    assert card.config.width == 16 and card.parameters < 0.6 * whole.parameters
    assert isinstance(card, Card) and card.weights["mixer.weight"].shape == whole.weights["mixer.weight"].shape


@pytest.mark.parametrize("more", [{"prune": 16}, {"prune": 24, "init": "nano"}, {"prune": 0, "init": "nano"}])
def test_what_cannot_be_pruned_is_refused(more):
    with pytest.raises(BadSetting, match="prune|width"):
        TrainSettings("data", "nano", **more)
