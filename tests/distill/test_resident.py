"""Laws of batches made on the device: the same pictures, aligned and degraded as a worker would."""

import numpy as np
import pytest
from skimage import data

torch = pytest.importorskip("torch", reason="torch is not installed")
from distill.call import CallDegradation  # noqa: E402 - after the check that torch is there
from distill.degrade import ReportDegradation  # noqa: E402 - after the check that torch is there
from distill.metrics import psnr  # noqa: E402 - after the check that torch is there
from distill.pairs import CLEAN, Batches, DrawnPairs, PairDataset, PreparedPairs  # noqa: E402 - as above
from distill.resident import ResidentBatches  # noqa: E402 - after the check that torch is there

SIDE = 96
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


class Prepared:
    """Two prepared versions of each picture, 10 and 20 levels brighter."""

    versions = 2

    def __init__(self, pictures):
        self.pictures = pictures

    def __getitem__(self, key):
        index, version = key
        return self.pictures[index] // 2 + np.uint8(10 * (version + 1)), np.full(4, version, np.float32)


def batches(device, clean_share=0.0):
    pictures = [data.astronaut()[:300, :400], data.chelsea()[:80, :90]]  # the second is smaller than crop and margin
    halved = [picture // 2 for picture in pictures]
    sources = [
        (0.5, DrawnPairs(halved, ReportDegradation)),
        (0.25, DrawnPairs(halved, CallDegradation)),
        (0.25, PreparedPairs(halved, Prepared(pictures))),
    ]
    pairs = PairDataset(sources, 2, SIDE, 1, clean_share)
    return pairs, list(ResidentBatches(pairs, Batches(8, 0, 4), torch.device(device)))


@pytest.mark.parametrize("device", DEVICES)
def test_batches_repeat_and_are_shaped_as_a_loaders(device):
    _, once = batches(device)
    _, again = batches(device)
    for one, other in zip(once, again, strict=True):
        assert [tuple(tensor.shape) for tensor in one] == [(8, SIDE, SIDE, 3), (8, SIDE, SIDE, 3), (8, 4)]
        assert one[0].dtype == one[1].dtype == torch.uint8 and one[0].device.type == device
        for tensor, same in zip(one, other, strict=True):
            assert torch.equal(tensor, same)


@pytest.mark.parametrize("device", DEVICES)
def test_clean_and_degraded_stay_on_each_other(device):
    pairs, found = batches(device)
    for step, (clean, degraded, truth) in enumerate(found):
        for slot in range(8):
            sharp, soft = clean[slot].cpu().numpy(), degraded[slot].cpu().numpy()
            if isinstance(pairs.plan(8 * step + slot).source, PreparedPairs):
                assert (soft - sharp == 10 * (truth[slot, 0].item() + 1)).all()
            else:
                assert psnr(sharp, soft) > psnr(sharp, np.roll(soft, 4, axis=1))


@pytest.mark.parametrize("device", DEVICES)
def test_the_clean_share_stays_sharp_on_the_device(device):
    for clean, degraded, truth in batches(device, clean_share=0.999999)[1]:
        assert torch.equal(clean, degraded) and torch.equal(truth.cpu(), torch.from_numpy(CLEAN).expand(8, 4))
