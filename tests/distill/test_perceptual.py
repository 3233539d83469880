"""Laws of the perceptual loss, with random weights: nobody has to have VGG-19's to run them."""

import pytest

from engine.errors import BadSetting

torch = pytest.importorskip("torch", reason="torch is not installed")
from distill.perceptual import VGG19, PerceptualLoss, load_vgg19  # noqa: E402 - after the check that torch is there


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return VGG19()


def test_the_layout_is_torchvisions(network):
    weights = network.state_dict()
    # 143,667,240 parameters in all (torchvision's documentation) less the 123,642,856 of the three linear layers
    assert sum(tensor.numel() for tensor in weights.values()) == 20_024_384
    assert network.index["conv5_4"] == 34 and weights["features.34.weight"].shape == (512, 512, 3, 3)
    assert weights["features.10.weight"].shape == (256, 128, 3, 3)
    assert list(weights)[:2] == ["features.0.weight", "features.0.bias"]


def test_equal_pictures_cost_nothing_and_others_something(network):
    loss = PerceptualLoss(network)
    batch = torch.rand(2, 3, 32, 24)
    assert float(loss(batch, batch)) == 0
    blurred = torch.nn.functional.avg_pool2d(batch, 3, 1, 1)
    assert float(loss(blurred, batch)) > 0


def test_a_grey_plane_is_seen_as_the_grey_picture(network):
    loss = PerceptualLoss(network, {"conv2_2": 1.0})
    one, other = torch.rand(1, 1, 16, 16), torch.rand(1, 1, 16, 16)
    assert float(loss(one, other)) == pytest.approx(float(loss(one.repeat(1, 3, 1, 1), other.repeat(1, 3, 1, 1))))


def test_gradients_reach_the_restored_picture_alone(network):
    loss = PerceptualLoss(network, {"conv1_2": 1.0, "conv3_4": 1.0})
    restored, clean = (torch.rand(1, 3, 16, 16, requires_grad=True) for _ in range(2))
    loss(restored, clean).backward()
    assert restored.grad.abs().min() > 0 and clean.grad is None
    assert not any(parameter.requires_grad for parameter in loss.parameters())


def test_the_weighted_layers_add_up(network):
    one, other = torch.rand(1, 3, 16, 16), torch.rand(1, 3, 16, 16)
    first, second = (float(PerceptualLoss(network, {name: 1.0})(one, other)) for name in ("conv1_2", "conv4_4"))
    both = float(PerceptualLoss(network, {"conv1_2": 0.5, "conv4_4": 3.0})(one, other))
    assert both == pytest.approx(0.5 * first + 3 * second, rel=1e-5)


def test_the_input_is_normalised_as_imagenet(network):
    seen = []
    with network.features[0].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0])):
        grey = torch.full((1, 3, 16, 16), 0.5)
        PerceptualLoss(network, {"conv1_2": 1.0})(grey, grey)
    # (0.5 - mean) / std with ImageNet's mean 0.485, 0.456, 0.406 and deviation 0.229, 0.224, 0.225
    assert seen[0][0, :, 0, 0].tolist() == pytest.approx([0.0655, 0.1964, 0.4178], abs=1e-4)


def test_weights_come_from_a_file_with_more_in_it(network, tmp_path):
    from safetensors.torch import save_file

    weights = network.state_dict()
    torch.save(weights | {"classifier.0.weight": torch.zeros(2, 2)}, tmp_path / "vgg19.pth")
    save_file(weights, tmp_path / "vgg19.safetensors")
    for name in ("vgg19.pth", "vgg19.safetensors"):
        loaded = load_vgg19(tmp_path / name).state_dict()
        assert loaded.keys() == weights.keys() and all(torch.equal(weights[key], loaded[key]) for key in weights)


def test_files_that_are_not_vgg19_are_refused_in_one_line(tmp_path):
    with pytest.raises(BadSetting, match="none.pth cannot be read"):
        load_vgg19(tmp_path / "none.pth")
    with pytest.raises(BadSetting, match="cannot be read"):
        load_vgg19(tmp_path)
    for name in ("text.pth", "text.safetensors"):
        with pytest.raises(BadSetting, match=f"{name} cannot be read"):
            load_vgg19(tmp_path / name)
        (tmp_path / name).write_text("no weights")
        with pytest.raises(BadSetting, match=f"{name} is damaged, or no file of weights alone"):
            load_vgg19(tmp_path / name)
    for content in ({"features.0.weight": torch.zeros(64, 3, 3, 3)}, [1, 2], {"features.0.weight": 3}):
        torch.save(content, tmp_path / "other.pth")
        with pytest.raises(BadSetting, match="holds no VGG-19: 3[12] of 32 weights are missing") as caught:
            load_vgg19(tmp_path / "other.pth")
        assert "\n" not in str(caught.value)


def test_layers_and_sizes_outside_the_network_are_refused(network):
    with pytest.raises(BadSetting, match="conv6_1"):
        PerceptualLoss(network, {"conv6_1": 1.0})
    with pytest.raises(BadSetting, match="none"):
        PerceptualLoss(network, {})
    loss = PerceptualLoss(network)
    with pytest.raises(ValueError, match="smaller than 16"):
        loss(torch.zeros(1, 3, 15, 32), torch.zeros(1, 3, 15, 32))
    with pytest.raises(ValueError, match="shapes differ"):
        loss(torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 16, 32))
