"""Laws of the teachers: one call for all, whatever the file's layout; what could run or is damaged is refused."""

import pickle
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from skimage import data

from distill import spandrel_teachers
from distill.rrdb import RRDBConfig, RRDBNet
from distill.teacher_cache import TeacherCache
from distill.teachers import load_teacher, save_teacher
from engine.cards import load_card, save_card
from engine.degradation import Degradation
from engine.errors import BadCard, BadSetting, UnknownModel
from engine.students import STUDENTS
from tests.engine.students_for_tests import mixture_card, random_card

SMALL = {"width": 8, "growth": 4, "blocks": 2}
SIZES = [(1, 1), (5, 2), (17, 23), (16, 24)]


def network(**changes):
    """A small RRDBNet whose random weights change pictures visibly."""
    torch.manual_seed(0)
    module = RRDBNet(RRDBConfig(**(SMALL | changes))).eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.03 * torch.randn_like(parameter)
    return module


def bsrgan_names(state):
    names = {"conv_body": "trunk_conv", "conv_up1": "upconv1", "conv_up2": "upconv2", "conv_hr": "HRconv"}
    renamed = {}
    for name, tensor in state.items():
        name = name.replace("body.", "RRDB_trunk.", 1).replace("rdb", "RDB") if name.startswith("body.") else name
        layer, _, kind = name.rpartition(".")
        renamed[f"{names.get(layer, layer)}.{kind}"] = tensor
    return renamed


def names_of_2018(state, doublings):
    """The first release: an upsampling, a convolution and an activation for each doubling, all in one sequence."""
    last = 3 * doublings + 2
    layers = {
        "conv_first": "0",
        "conv_body": f"1.sub.{SMALL['blocks']}",
        "conv_hr": f"{last}",
        "conv_last": f"{last + 2}",
    }
    layers |= {f"conv_up{index}": f"{3 * index}" for index in range(1, doublings + 1)}
    renamed = {}
    for name, tensor in state.items():
        layer, _, kind = name.rpartition(".")
        if found := re.fullmatch(r"body\.(\d)\.rdb(\d)\.conv(\d)", layer):
            renamed["model.1.sub.{}.RDB{}.conv{}.0.{}".format(*found.groups(), kind)] = tensor
        else:
            renamed[f"model.{layers[layer]}.{kind}"] = tensor
    return renamed


LAYOUTS = {
    "Real-ESRGAN x4": ({"scale": 4}, lambda state: {"params_ema": state, "params": {}}),
    "Real-ESRGAN x2": ({"scale": 2, "shuffle": 2}, lambda state: {"params": state}),
    "BSRGAN x4": ({"scale": 4}, bsrgan_names),
    "BSRGAN x2": ({"scale": 2}, bsrgan_names),
    "ESRGAN 2018 x4": ({"scale": 4}, lambda state: names_of_2018(state, 2)),
    "ESRGAN 2018 x2": ({"scale": 2}, lambda state: names_of_2018(state, 1)),
    "ESRGAN 2018 x1": ({"scale": 1}, lambda state: {"state_dict": names_of_2018(state, 0)}),
    "from several GPUs": ({"scale": 4}, lambda state: {f"module.{name}": tensor for name, tensor in state.items()}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_public_layout_is_the_network_that_was_saved_in_it(tmp_path, layout):
    changes, wrap = LAYOUTS[layout]
    module = network(**changes)
    torch.save(wrap(module.state_dict()), tmp_path / "public.pth")
    teacher = load_teacher(tmp_path / "public.pth")
    assert teacher.network.config == module.config
    assert teacher.parameters == module.config.parameters and teacher.name == "public" and not teacher.informed
    batch = torch.rand(1, 3, 8, 8)
    with torch.no_grad():
        assert torch.equal(teacher.network(batch), module(batch))


def test_spandrel_reads_the_same_network_out_of_a_public_layout(tmp_path):
    if (loaded := spandrel_or_none()) is None:
        pytest.skip("spandrel cannot be imported here")
    module = network(scale=4, growth=32)  # spandrel takes the growth for 32
    theirs = loaded.ModelLoader().load_from_state_dict(names_of_2018(module.state_dict(), 2))
    batch = torch.rand(1, 3, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(theirs.model(batch), module(batch))


@pytest.mark.parametrize(
    "changes", [{"scale": 4}, {"scale": 2, "shuffle": 2}, {"scale": 1}, {"scale": 1, "shuffle": 4}]
)
@pytest.mark.parametrize("resize", ["after", "before"])
def test_every_size_comes_out_as_it_went_in_and_within_the_range(tmp_path, changes, resize):
    module = network(**changes)
    if module.config.same_size:
        source = save_teacher("own", module, {}, {}, tmp_path)
    else:
        torch.save(module.state_dict(), source := tmp_path / "public.pth")
    teacher = load_teacher(source, resize=resize)
    for height, width in SIZES:
        batch = torch.rand(2, 3, height, width)
        restored = teacher(batch)
        assert restored.shape == batch.shape and restored.dtype == torch.float32
        assert restored.min() >= 0 and restored.max() <= 1 and not torch.equal(restored, batch)
        assert not restored.requires_grad and not restored.is_inference()


def test_the_larger_picture_costs_what_its_size_says(tmp_path):
    torch.save(network(scale=4).state_dict(), path := tmp_path / "x4.pth")
    assert load_teacher(path).macs_per_pixel == 16 * load_teacher(path, resize="before").macs_per_pixel
    with pytest.raises(BadSetting, match="resize must be one of after, before, not 'never'"):
        load_teacher(path, resize="never")


@pytest.mark.parametrize(("resize", "least"), [("after", 45), ("before", 30)])
def test_a_network_that_only_enlarges_gives_the_picture_back(tmp_path, resize, least):
    module = RRDBNet(RRDBConfig(scale=4, **SMALL))
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
        for layer in (module.conv_first, module.conv_up1, module.conv_up2, module.conv_hr, module.conv_last):
            for colour in range(3):
                layer.weight[colour, colour, 1, 1] = 1  # nearest neighbour, four times
    torch.save(module.state_dict(), path := tmp_path / "nearest.pth")
    batch = torch.from_numpy(data.astronaut()[:125, 100:223]).permute(2, 0, 1)[None] / 255
    blurred = torch.nn.functional.avg_pool2d(batch, 9, 1)  # what a smaller picture can hold
    error = (load_teacher(path, resize=resize)(blurred) - blurred).square().mean()
    assert -10 * error.log10() > least  # dB; shifted by half a pixel it has 41.7, by four pixels 23.9


@pytest.mark.parametrize("make", [random_card, mixture_card])
@pytest.mark.parametrize("name", STUDENTS)
def test_a_student_is_a_teacher_too(tmp_path, make, name):
    if STUDENTS[name].experts == 1 and make is mixture_card:
        pytest.skip(f"{name} has no experts to mix")
    path = save_card(make(name), tmp_path)
    teacher = load_teacher(path)
    assert teacher.weights_sha256 == load_card(path).weights_sha256 and not teacher.informed
    for height, width in SIZES:
        assert teacher(torch.rand(2, 3, height, width)).shape == (2, 3, height, width)


def test_a_shipped_student_is_loaded_by_name():
    assert load_teacher("small").name == "small"


def test_a_luma_student_changes_red_green_and_blue_alike(tmp_path):
    batch = 0.3 + 0.4 * torch.rand(1, 3, 12, 20)
    change = load_teacher(save_card(random_card(), tmp_path))(batch) - batch
    assert change.abs().max() > 1e-3
    torch.testing.assert_close(change[:, 0], change[:, 2], atol=1e-6, rtol=0)


def test_our_own_teacher_survives_the_round_trip(tmp_path):
    module = network(scale=1, shuffle=4, condition=4)
    path = save_teacher("mine", module, {"commit": "abc"}, {"val_psnr": 27.5}, tmp_path)
    teacher = load_teacher(str(path))
    assert teacher.name == "mine" and teacher.informed and teacher.network.config == module.config
    assert teacher.macs_per_pixel == module.config.macs_per_pixel()
    batch, soft = torch.rand(2, 3, 16, 16), Degradation(blur=1.5, noise=3.0)
    with torch.no_grad():
        expected = module(batch, torch.tensor([soft.vector()] * 2)).clamp(0, 1)
    torch.testing.assert_close(teacher(batch, [soft, soft]), expected, atol=2 / 255, rtol=0)  # half precision
    assert torch.equal(teacher(batch, [soft, soft]), teacher(batch, torch.tensor([soft.vector()] * 2)))
    with pytest.raises(BadCard, match="architecture 'rrdb' is not one of"):  # the engine runs students only
        load_card(path)


def test_an_informed_teacher_asks_for_the_degradation_of_each_picture(tmp_path):
    teacher = load_teacher(save_teacher("mine", network(scale=1, shuffle=2, condition=4), {}, {}, tmp_path))
    batch = torch.rand(2, 3, 8, 8)
    with pytest.raises(BadSetting, match="'mine' must be told"):
        teacher(batch)
    with pytest.raises(BadSetting, match="as many degradations of 4 numbers, not \\(1, 4\\)"):
        teacher(batch, [Degradation()])


def test_a_students_mixture_hears_the_degradation_but_does_without(tmp_path):
    teacher = load_teacher(save_card(mixture_card(), tmp_path))
    batch = torch.rand(1, 3, 32, 32)
    told = [teacher(batch, [Degradation(blur=blur)]) for blur in (0.0, 2.0)]
    assert not teacher.informed and not torch.equal(*told) and teacher(batch).shape == batch.shape


class Evil:
    def __reduce__(self):
        return exec, ("raise SystemExit('code of a weights file was run')",)


def test_a_weights_file_that_would_run_code_is_refused(tmp_path):
    torch.save({"params": network().state_dict(), "hook": Evil()}, tmp_path / "evil.pth")
    (tmp_path / "bare.pth").write_bytes(pickle.dumps(Evil()))
    for name in ("evil.pth", "bare.pth"):
        with pytest.raises(BadCard, match="Python objects besides weights, which are never loaded") as refused:
            load_teacher(tmp_path / name)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_truncated_weights_file_is_refused(tmp_path, suffix):
    state, path = network().state_dict(), tmp_path / f"public{suffix}"
    torch.save(state, path) if suffix == ".pth" else save_file(state, path)
    whole = path.read_bytes()
    assert load_teacher(path).parameters == network().config.parameters
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(BadCard, match="is damaged"):
            load_teacher(path)


@pytest.mark.parametrize("content", [[1, 2], {}, {"a": 1}, {1: torch.zeros(1)}, torch.zeros(3)])
def test_what_is_no_state_dict_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(BadCard, match="plain state dict"):
        load_teacher(tmp_path / "x.pth")


def test_a_nan_and_a_missing_file_are_named(tmp_path):
    torch.save(network().state_dict() | {"conv_first.bias": torch.full((8,), torch.nan)}, tmp_path / "nan.pth")
    with pytest.raises(BadCard, match="not finite"):
        load_teacher(tmp_path / "nan.pth")
    with pytest.raises(UnknownModel, match="no weights file at"):
        load_teacher(tmp_path / "gone.pth")
    with pytest.raises(UnknownModel, match="choose one of"):
        load_teacher("gone")


def spandrel_or_none():
    try:
        return spandrel_teachers._spandrel("x.pth")
    except BadCard:
        return None


def test_an_rrdb_with_a_tensor_too_few_is_no_teacher(tmp_path):
    state = network().state_dict()
    del state["conv_hr.bias"]
    torch.save(state, tmp_path / "x.pth")
    with pytest.raises(BadCard, match="x.pth"):
        load_teacher(tmp_path / "x.pth")


def test_without_spandrel_the_refusal_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "spandrel", None)
    torch.save({"weight": torch.zeros(3)}, tmp_path / "x.pth")
    with pytest.raises(BadCard, match="pip install spandrel"):
        load_teacher(tmp_path / "x.pth")


def test_a_grey_and_a_colour_network_of_spandrel_restore_any_size(tmp_path):
    if spandrel_or_none() is None:
        pytest.skip("spandrel cannot be imported here")
    from spandrel.architectures.DnCNN import DnCNN

    torch.manual_seed(0)
    for planes in (1, 3):
        module = DnCNN(in_nc=planes, out_nc=planes, nc=8, nb=9, act_mode="R")
        torch.save(module.state_dict(), path := tmp_path / f"dncnn{planes}.pth")
        teacher = load_teacher(path)
        assert teacher.parameters == sum(p.numel() for p in module.parameters()) and teacher.macs_per_pixel is None
        for height, width in SIZES:
            batch = torch.rand(2, 3, height, width)
            restored = teacher(batch)
            assert restored.shape == batch.shape and not restored.is_inference()
            torch.testing.assert_close(restored[1:], teacher(batch[1:]))


def counting(teacher):
    """teacher with a list of the calls it got."""
    calls = []

    def call(batch, degradation=None):
        calls.append(batch.shape)
        return teacher(batch, degradation)

    call.weights_sha256, call.resize, call.device = teacher.weights_sha256, teacher.resize, teacher.device
    return call, calls


def test_a_cached_picture_is_the_same_bytes_and_is_made_once(tmp_path):
    teacher, calls = counting(load_teacher("nano"))
    degraded = np.random.default_rng(0).integers(0, 256, (17, 23, 3), np.uint8)
    first = TeacherCache(teacher, tmp_path / "cache")(degraded)
    assert first.shape == degraded.shape and first.dtype == np.uint8 and len(calls) == 1
    expected = load_teacher("nano")(torch.from_numpy(degraded).permute(2, 0, 1)[None] / 255)
    np.testing.assert_array_equal(first, (255 * expected[0]).round().byte().permute(1, 2, 0).numpy())
    again = TeacherCache(teacher, tmp_path / "cache")  # as after a restart
    np.testing.assert_array_equal(again(degraded), first)
    assert len(calls) == 1


def test_another_picture_degradation_or_teacher_is_another_entry(tmp_path):
    teacher, calls = counting(load_teacher("nano"))
    degraded = np.zeros((8, 12, 3), np.uint8)
    cache = TeacherCache(teacher, tmp_path)
    cache(degraded), cache(degraded.reshape(12, 8, 3)), cache(degraded + np.uint8(1)), cache(degraded, Degradation())
    assert len(calls) == 4
    teacher.weights_sha256 = "another"
    cache(degraded)
    assert len(calls) == 5


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[:-3], lambda b: b[:-1] + bytes([b[-1] ^ 1])])
def test_a_damaged_entry_is_made_anew(tmp_path, damage):
    teacher, calls = counting(load_teacher("nano"))
    degraded = np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8)
    cache = TeacherCache(teacher, tmp_path)
    first = cache(degraded)
    (path,) = (entry for entry in tmp_path.rglob("*") if entry.is_file())
    path.write_bytes(damage(path.read_bytes()))
    np.testing.assert_array_equal(cache(degraded), first)
    np.testing.assert_array_equal(cache(degraded), first)
    assert len(calls) == 2


def test_the_public_compact_network_restores_a_picture_that_was_enlarged():
    path = Path(__file__).resolve().parents[3] / "shared" / "peers" / "realesr-general-x4v3.pth"
    if not path.is_file():
        pytest.skip("the public weights are not on this machine")
    if spandrel_or_none() is None:
        pytest.skip("spandrel cannot be imported here")
    clean = torch.from_numpy(data.astronaut()[64:160, 160:256]).permute(2, 0, 1)[None] / 255
    blurred = torch.nn.functional.avg_pool2d(torch.nn.functional.pad(clean, (2, 2, 2, 2), "reflect"), 5, 1)
    teacher = load_teacher(path)
    assert teacher.parameters == 1_213_296  # Real-ESRGAN's release: 1.21 M
    assert (teacher(blurred) - clean).square().mean() < 0.8 * (blurred - clean).square().mean()
