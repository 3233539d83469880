"""Laws of the student with several experts: it is what the engine assembles, and its parts learn together."""

import numpy as np
import pytest

from engine.assemble import assembled, shares
from engine.cards import Card, load_card, save_card
from engine.degradation import Degradation
from engine.students import STUDENTS, StudentConfig

torch = pytest.importorskip("torch", reason="torch is not installed")
from distill.learners import below_rather_than_above  # noqa: E402 - after the check that torch is there
from distill.mixture import Estimator, MixtureNetwork  # noqa: E402 - after the check that torch is there
from engine.networks import network_from_card  # noqa: E402 - after the check that torch is there

CONFIGS = [StudentConfig(4, 8, 2, experts=8), StudentConfig(2, 8, 1, experts=3, mixed="gains")]
DEGRADATIONS = [Degradation(), Degradation(1.7, 2, 3, 2), Degradation(2.5, 10, 8, 3)]


def trained(config, seed=0):
    """A mixture whose experts differ, as training leaves them."""
    torch.manual_seed(seed)
    network = MixtureNetwork(config)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.02 * torch.randn_like(parameter)
    return network.eval()


def card_of(network):
    return Card("mixture", network.config, {name: value.numpy() for name, value in network.state_dict().items()})


@pytest.mark.parametrize("name", ["nano", "small", "base"])
def test_the_module_holds_the_weights_that_the_configuration_lists(name):
    config = STUDENTS[name]
    found = {key: tuple(value.shape) for key, value in MixtureNetwork(config).state_dict().items()}
    assert found == config.stored_shapes()


@pytest.mark.parametrize("config", CONFIGS)
def test_each_sample_is_restored_by_the_student_assembled_for_it(config):
    network = trained(config)
    batch = torch.rand(3, 1, 32, 40)
    told = torch.tensor([degradation.vector() for degradation in DEGRADATIONS])
    with torch.no_grad():
        together, _ = network(batch, told)
        for index, degradation in enumerate(DEGRADATIONS):
            alone = network_from_card(assembled(card_of(network), degradation))(batch[index : index + 1])
            torch.testing.assert_close(together[index : index + 1], alone, atol=2e-5, rtol=1e-4)
    assert (together[0] - network(batch, told[[1, 1, 1]])[0][0]).abs().max() > 1e-3  # what is told matters


def test_who_is_told_is_told_and_who_is_not_is_measured():
    network = trained(CONFIGS[0])
    batch, told = torch.rand(2, 1, 32, 32), torch.ones(2, 4)
    with torch.no_grad():
        mixed, measured = network(batch, told, torch.tensor([True, False]))
        torch.testing.assert_close(mixed[:1], network(batch, told)[0][:1])
        torch.testing.assert_close(mixed[1:], network(batch, measured)[0][1:])


def test_shares_are_positive_and_sum_to_one():
    card = card_of(trained(CONFIGS[0]))
    for degradation in DEGRADATIONS:
        mix = shares(card, degradation)
        assert mix.shape == (8,) and (mix >= 0).all() and mix.sum() == pytest.approx(1)


def test_an_untrained_mixture_gives_each_start_to_another_expert():
    card = card_of(MixtureNetwork(CONFIGS[0]))
    chosen = [int(np.argmax(shares(card, Degradation(blur=blur)))) for blur in (0, 1.0, 1.5, 2.0, 2.5)]
    assert chosen == [0, 1, 2, 3, 4]


def test_a_mixture_survives_its_card(tmp_path):
    card = card_of(trained(CONFIGS[1]))
    loaded = load_card(save_card(card, tmp_path))
    assert loaded.config == card.config and loaded.parameters == card.parameters
    for name, array in card.weights.items():
        np.testing.assert_allclose(loaded.weights[name], array, rtol=1e-3, atol=1e-4)  # half precision


def test_contrast_does_not_change_what_the_estimator_sees_but_by_its_own_number():
    torch.manual_seed(1)
    estimator, batch = Estimator(), torch.rand(1, 1, 64, 64)
    with torch.no_grad():
        estimator.hidden.weight[:, -1] = 0  # the contrast itself
        torch.testing.assert_close(estimator(batch), estimator(0.5 * batch), atol=2e-3, rtol=0)


def test_the_estimator_learns_to_tell_blur():
    torch.manual_seed(2)
    estimator, batches = Estimator(), []
    optimizer = torch.optim.Adam(estimator.parameters(), 3e-3)
    for index in range(120):
        sharp = (torch.rand(4, 1, 64, 64) > 0.9).float()
        widths = 1 + index % 2 * torch.ones(4)
        blurred = torch.nn.functional.avg_pool2d(sharp, 3 + 2 * (index % 2), 1, 1 + index % 2)
        batches.append((blurred, torch.stack([widths / 2.5, *torch.zeros(3, 4)], 1)))
    for batch, truth in batches:
        optimizer.zero_grad()
        below_rather_than_above(estimator(batch), truth).backward()
        optimizer.step()
    with torch.no_grad():
        narrow, wide = (2.5 * estimator(batches[index][0])[:, 0].mean() for index in (0, 1))
    assert wide - narrow > 0.4  # of 1 pixel


def test_too_much_blur_costs_more_than_too_little():
    truth = torch.zeros(1, 4)
    too_much, too_little = (float(below_rather_than_above(truth + sign, truth)) for sign in (0.1, -0.1))
    assert too_much == pytest.approx(0.0055) and too_little == pytest.approx(0.0045)
