"""Laws of the teacher's network: the public parameter count, where it starts, and which sizes come out."""

import pytest
import torch

from distill.rrdb import BSRGAN_PARAMETERS, TEACHERS, RRDBConfig, RRDBNet
from engine.errors import BadSetting

SMALL = {"width": 8, "growth": 4, "blocks": 2}
LAYOUTS = [(4, 1), (2, 1), (2, 2), (1, 1), (1, 2), (1, 4)]  # scale, shuffle


def test_the_public_x4_network_has_16697987_parameters():  # ours to match: BSRGAN
    config = RRDBConfig()
    assert BSRGAN_PARAMETERS == 16_697_987
    assert config.parameters == sum(p.numel() for p in RRDBNet(config).parameters()) == 16_697_987


@pytest.mark.parametrize(("scale", "shuffle"), LAYOUTS)
@pytest.mark.parametrize("condition", [0, 4])
def test_shapes_and_counted_macs_are_those_of_the_module(scale, shuffle, condition):
    config = RRDBConfig(scale=scale, shuffle=shuffle, condition=condition, **SMALL)
    network = RRDBNet(config)
    assert {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()} == config.shapes()
    macs = []
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(lambda m, _, out: macs.append(m.weight.numel() * out.shape[2] * out.shape[3]))
    restored = network(torch.rand(2, 3, 8, 12), torch.rand(2, 4))
    assert restored.shape == (2, 3, 8 * scale, 12 * scale)
    assert sum(macs) == config.macs_per_pixel() * 8 * 12


@pytest.mark.parametrize("name", TEACHERS)
def test_an_untrained_teacher_changes_a_picture_by_less_than_three_grey_levels(name):
    config = TEACHERS[name]
    torch.manual_seed(0)
    batch = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        restored = RRDBNet(config)(batch, torch.rand(1, 4))
    assert 0 < (restored - batch).abs().max() < 3 / 255


def test_an_informed_teacher_learns_from_a_step_in_bfloat16_with_channels_last():
    torch.manual_seed(0)
    network = RRDBNet(RRDBConfig(scale=1, shuffle=4, condition=4, **SMALL)).to(memory_format=torch.channels_last)
    clean = torch.rand(2, 3, 16, 24).contiguous(memory_format=torch.channels_last)
    degraded, condition = 0.8 * clean, torch.rand(2, 4)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)

    def step():
        with torch.autocast("cpu", torch.bfloat16):
            restored = network(degraded, condition)
        assert restored.dtype == torch.float32  # the picture itself is never rounded to 8 bits of precision
        loss = (restored - clean).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
        optimizer.step()
        return loss.item()

    first = step()
    for _ in range(10):
        last = step()
    assert last < 0.8 * first


def test_the_degradation_told_changes_what_comes_out_only_when_informed():
    batch, soft, sharp = torch.rand(1, 3, 8, 8), torch.full((1, 4), 0.8), torch.zeros(1, 4)
    for condition in (0, 4):
        network = RRDBNet(RRDBConfig(scale=1, shuffle=2, condition=condition, **SMALL))
        assert torch.equal(network(batch, soft), network(batch, sharp)) == (condition == 0)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"scale": 3}, "scale and shuffle"),
        ({"shuffle": 4}, "scale and shuffle"),
        ({"width": 0}, "width"),
        ({"blocks": 2.0}, "blocks"),
        ({"growth": True}, "growth"),
        ({"condition": 3}, "condition"),
    ],
)
def test_a_number_outside_its_range_is_named(wrong, said):
    with pytest.raises(BadSetting, match=said):
        RRDBConfig(**wrong)
