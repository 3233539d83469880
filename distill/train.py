"""Training a student: a run is a folder with its settings, log, last state and best card; started again, it goes on.

RUN/NAME.json, .safetensors   the best student so far by validation SSIM: a card that `--model` takes
RUN/tensorboard/              the log's curves
RUN/...                       distill.run_folder says the rest
"""

import math
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from distill.data import PairDataset, PixelCache, split_pictures, train_and_val
from distill.degrade import RECIPES, degradation_named
from distill.losses import LOSSES, distillation
from distill.luma import luma, planes
from distill.metrics import PSNR_OF_EQUALS, psnr, ssim
from distill.run_folder import RunFolder
from distill.settings import TrainSettings
from engine.atomic_write import writing_into
from engine.cards import Card, load_card, save_card
from engine.errors import BadData, BadSetting
from engine.networks import build_network, network_from_card
from engine.provenance import provenance
from engine.students import STUDENTS


def train(settings: TrainSettings, out, *, command="", stop_after_s=math.inf):
    """Train, or go on training, the run in folder `out`; returns the path of the best card.

    command: the command line that started it, kept in the card. stop_after_s: seconds after which the run stops at the
    end of an epoch, whole and resumable. Raises BadSetting when `out` holds a run with other settings, BadData for data
    that cannot be trained on.
    """
    device = _device(settings.device)
    teacher = _teacher(settings, device)
    with writing_into(out):
        pictures, val = _pictures(settings, Path(out).parent / "whetstone-cache")
        with RunFolder(out) as folder:
            return _train(settings, folder, pictures, val, teacher, device, command, time.monotonic() + stop_after_s)


def _train(settings, folder, pictures, val, teacher, device, command, stop_at):
    torch.manual_seed(settings.seed)
    config = STUDENTS[settings.student]
    network = build_network(config).to(device, memory_format=torch.channels_last)
    averaged = build_network(config).to(device, memory_format=torch.channels_last).eval()
    averaged.load_state_dict(network.state_dict())
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, betas=(0.9, settings.beta2))
    steps_per_epoch = len(pictures) * settings.crops_per_picture // settings.batch_size
    if steps_per_epoch == 0:
        raise BadData(
            f"{len(pictures)} training pictures x {settings.crops_per_picture} crops do not fill one batch of "
            f"{settings.batch_size}; lower --batch-size or raise --crops-per-picture"
        )
    samples_per_epoch, steps = steps_per_epoch * settings.batch_size, settings.epochs * steps_per_epoch
    data_sha256 = {"train": pictures.hash, "val": val.hash}
    state = {"step": 0, "epoch": 0, "best_ssim": -1.0, "waiting": 0, "halvings": 0}
    if (kept := folder.resume(settings, data_sha256)) is not None:
        network.load_state_dict(kept["network"])
        averaged.load_state_dict(kept["averaged"])
        optimizer.load_state_dict(kept["optimizer"])
        state = kept["state"]
    dataset = PairDataset(
        pictures,
        RECIPES[settings.recipe],
        settings.crop,
        settings.epochs * samples_per_epoch,
        settings.seed,
        clean_share=settings.clean_share,
        first=state["step"] * settings.batch_size,
    )
    loader: DataLoader = DataLoader(
        dataset, settings.batch_size, num_workers=settings.workers, persistent_workers=settings.workers > 0
    )

    with (
        SummaryWriter(folder.path / "tensorboard") as board,
        tqdm(total=steps, initial=state["step"], unit="step") as bar,
    ):
        batches = iter(loader)
        while state["epoch"] < settings.epochs:
            epoch_started = time.monotonic()
            sums: dict[str, float] = {}
            for _ in range(steps_per_epoch):
                _set_rate(optimizer, settings, state, steps)
                network.slope = averaged.slope = 0.1 * max(0.0, 1 - state["step"] / (0.1 * steps))  # keeps ReLUs alive
                clean, degraded = (_to_batch(images, device) for images in next(batches))
                batch, target = planes(degraded, config.channels), planes(clean, config.channels)
                with torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"):
                    residual = network(batch)
                restored = batch + residual.float()
                taught = None if teacher is None else teacher(degraded, config.channels)
                losses = distillation(restored, target, taught, alpha=settings.alpha, pixel=LOSSES[settings.loss])
                optimizer.zero_grad(set_to_none=True)
                losses["total"].backward()
                torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)  # a rare bad batch must not undo an hour
                optimizer.step()
                state["step"] += 1
                _average(averaged, network, settings.ema, state["step"])
                for name, value in losses.items():
                    sums[name] = sums.get(name, 0.0) + float(value.detach())
                bar.update()

            state["epoch"] += 1
            seconds = time.monotonic() - epoch_started
            row = {"epoch": state["epoch"], "step": state["step"], "learning_rate": optimizer.param_groups[0]["lr"]}
            row |= {f"loss_{name}": value / steps_per_epoch for name, value in sums.items()}
            row |= validate(averaged, config, val, settings.recipe, device)
            row |= {"seconds": round(seconds, 2), "images_per_s": round(samples_per_epoch / seconds, 1)}
            folder.log(row)
            for name, value in row.items():
                if name not in ("epoch", "step"):
                    board.add_scalar(name, value, row["epoch"])
            bar.set_postfix_str(f"epoch {row['epoch']}: ssim {row['val_ssim']:.4f} psnr {row['val_psnr']:.2f} dB")
            if _is_best(state, row):
                origin = {"data_sha256": pictures.hash} | provenance(command)
                save_card(_card(settings, averaged, row, origin), folder.path)
            weights = {"network": network.state_dict(), "averaged": averaged.state_dict()}
            content = weights | {"optimizer": optimizer.state_dict(), "state": state}
            folder.save(settings, data_sha256, state["epoch"], content)
            if time.monotonic() > stop_at:
                break
    return folder.path / f"{settings.student}.json"


@torch.inference_mode()
def validate(network, config, val, recipe, device):
    """Mean SSIM and PSNR over a PixelCache, each picture degraded with its own fixed draw, as DESIGN.md measures."""
    scores = []
    for file, clean in zip(val.files, val, strict=True):
        degraded = degradation_named(file.path.stem, recipe).apply(clean)
        restored = restore(network, config, degraded, device)
        scores.append((ssim(clean, restored), min(psnr(clean, restored), PSNR_OF_EQUALS)))
    means = np.mean(scores, axis=0)
    return {"val_ssim": float(means[0]), "val_psnr": float(means[1])}


def restore(network, config, degraded, device):
    """degraded: (H, W, 3) uint8 RGB -> restored, same shape and type, at strength 1, float32."""
    height, width = degraded.shape[:2]
    pad = [(0, -height % config.stride), (0, -width % config.stride), (0, 0)]
    batch = planes(_to_batch(torch.from_numpy(np.pad(degraded, pad, mode="edge"))[None], device), config.channels)
    residual = network(batch.contiguous(memory_format=torch.channels_last))[0, :, :height, :width]
    pixels = torch.from_numpy(degraded).to(device) + 255 * residual.permute(1, 2, 0)
    return pixels.round().clamp(0, 255).byte().cpu().numpy()


def _device(name):
    """The torch device of a name. Raises BadSetting when there is none."""
    kind, _, index = name.partition(":")
    count = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}.get(kind, 0)
    if not (index or "0").isdecimal() or int(index or 0) >= count:
        raise BadSetting(f"there is no device {name!r} for torch on this machine; leave --device out, or say cpu")
    return torch.device(name)


def _pictures(settings, cache):
    """PixelCaches of the training pictures and of validation's, an equal share of each category."""
    train_files, val_files = train_and_val(settings.data, seed=settings.seed)
    if len(val_files) > settings.val_pictures:
        share = settings.val_pictures / len(val_files)
        val_files = split_pictures(val_files, share, settings.seed)[1] or val_files[: settings.val_pictures]
    pictures, val = PixelCache(train_files, cache), PixelCache(val_files, cache)
    for path in (*pictures.skipped, *val.skipped):
        tqdm.write(f"left out, damaged or too small: {path}")
    tqdm.write(f"{len(pictures)} pictures to train on, {len(val)} to validate with after every epoch")
    return pictures, val


def _teacher(settings, device):
    """A function (degraded RGB batch, channels) -> the teacher's picture in those channels; None without a teacher."""
    if settings.teacher is None:
        return None
    card = load_card(settings.teacher)
    network = network_from_card(card).to(device, memory_format=torch.channels_last)

    @torch.no_grad()
    def teach(degraded, channels):
        restored = (degraded + network(planes(degraded, card.config.channels))).clamp(0, 1)
        return restored if channels == 3 else luma(restored)

    return teach


def _to_batch(images, device):
    """(N, H, W, 3) uint8 -> (N, 3, H, W) float in [0, 1]; channels last in memory, as it already lies."""
    return images.to(device).permute(0, 3, 1, 2).float() / 255


def _set_rate(optimizer, settings, state, steps):
    """Learning rate of this step: 200 steps of warm-up, then a cosine to zero; or what the plateau rule left."""
    if settings.schedule == "cosine":
        warm = min(1.0, (state["step"] + 1) / 200)
        rate = settings.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * state["step"] / steps))
    else:
        rate = settings.learning_rate * 0.5 ** state["halvings"]
    for group in optimizer.param_groups:
        group["lr"] = rate


def _average(averaged, network, decay, step):
    """Move the averaged weights towards the network's; faster at the start, so that they forget the first ones."""
    decay = min(decay, (1 + step) / (10 + step))
    with torch.no_grad():
        for slow, fast in zip(averaged.parameters(), network.parameters(), strict=True):
            slow.lerp_(fast, 1 - decay)


def _is_best(state, row):
    """Whether validation SSIM is the best so far; counts epochs without a better one for the plateau rule."""
    if row["val_ssim"] > state["best_ssim"]:
        state["best_ssim"], state["waiting"] = row["val_ssim"], 0
        return True
    state["waiting"] += 1
    if state["waiting"] > 5:
        state["waiting"], state["halvings"] = 0, state["halvings"] + 1
    return False


def _card(settings, averaged, row, origin):
    training = {"settings": asdict(settings) | {"data": Path(settings.data).name}}
    training |= {"epoch": row["epoch"], "steps": row["step"]} | origin
    weights = {name: tensor.detach().cpu().contiguous().numpy() for name, tensor in averaged.state_dict().items()}
    metrics = {name: round(row[name], 5) for name in ("val_ssim", "val_psnr")}
    return Card(settings.student, STUDENTS[settings.student], weights, training, metrics)
