"""Training a student: a run is a folder with its settings, log, last state and best card; started again, it goes on.

RUN/settings.json        what was asked for
RUN/metrics.jsonl        one row an epoch (also as TensorBoard events)
RUN/last.pt              everything needed to go on
RUN/NAME.json, .safetensors   the best student so far by validation SSIM: a card that `--model` takes
"""

import json
import math
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from distill.data import PairDataset, PixelCache, read_rgb, split_pictures, train_and_val
from distill.degrade import RECIPES, degradation_named
from distill.losses import LOSSES, distillation
from distill.luma import luma, planes
from distill.metrics import psnr, ssim
from engine.atomic_write import write_atomically
from engine.cards import Card, load_card, save_card
from engine.errors import BadSetting
from engine.networks import build_network, network_from_card
from engine.provenance import provenance
from engine.students import STUDENTS


@dataclass(frozen=True)
class TrainSettings:
    """One run, whole."""

    data: str
    student: str = "small"
    teacher: str | None = None  # a card's name or path; its picture is a second target
    recipe: str = "report"
    epochs: int = 30
    batch_size: int = 8
    crop: int = 192  # pixels, side
    crops_per_picture: int = 16  # in one epoch
    clean_share: float = 0.05  # of the crops stay sharp: what needs nothing must come out untouched
    loss: str = "l1"
    alpha: float = 0.7  # weight of the clean picture against the teacher's
    learning_rate: float = 3e-3
    beta2: float = 0.99  # Adam's; the usual 0.999 is slow to notice that the first gradients were tiny
    schedule: str = "cosine"  # or "plateau": halved after 5 epochs without a better validation SSIM
    ema: float = 0.999  # decay of the averaged weights that are validated and kept; 0: none
    val_pictures: int = 50  # validated every epoch, the same share of each category
    seed: int = 42
    workers: int = 1
    device: str = "cpu"
    precision: str = "float32"  # or "bfloat16": autocast of the forward pass

    def __post_init__(self):
        for name, choices in (
            ("student", STUDENTS),
            ("recipe", RECIPES),
            ("loss", LOSSES),
            ("schedule", ("cosine", "plateau")),
            ("precision", ("float32", "bfloat16")),
        ):
            if getattr(self, name) not in choices:
                raise BadSetting(f"{name} must be one of {', '.join(choices)}, not {getattr(self, name)!r}")
        stride = STUDENTS[self.student].stride
        for name, low in (
            ("epochs", 1),
            ("batch_size", 1),
            ("crops_per_picture", 1),
            ("val_pictures", 1),
            ("workers", 0),
        ):
            if getattr(self, name) < low:
                raise BadSetting(f"{name.replace('_', '-')} must be at least {low}, not {getattr(self, name)}")
        if self.crop < 32 or self.crop % (2 * stride):
            raise BadSetting(
                f"crop must be at least 32 and a multiple of {2 * stride} for {self.student!r}, not {self.crop}"
            )
        if not 0 <= self.clean_share < 1:
            raise BadSetting(f"clean-share lies in [0, 1), not {self.clean_share}")
        if not (0 <= self.alpha <= 1 and 0 <= self.ema < 1 and 0 < self.learning_rate < 1):
            raise BadSetting(
                "alpha, ema and learning rate lie in [0, 1], [0, 1) and (0, 1), "
                f"not {self.alpha}, {self.ema}, {self.learning_rate}"
            )


def train(settings, out, *, command="", stop_after_s=math.inf):
    """Train, or go on training, the run in folder `out`; returns the path of the best card.

    command: the command line that started it, kept in the card. stop_after_s: seconds after which the run stops at the
    end of an epoch, whole and resumable. Raises BadSetting when `out` holds a run with other settings, BadData for data
    that cannot be trained on.
    """
    out = Path(out)
    _claim(out, settings)
    torch.manual_seed(settings.seed)
    device = torch.device(settings.device)
    config = STUDENTS[settings.student]
    pictures, val = _pictures(settings, out)
    teacher = _teacher(settings, device)

    network = build_network(config).to(device, memory_format=torch.channels_last)
    averaged = build_network(config).to(device, memory_format=torch.channels_last).eval()
    averaged.load_state_dict(network.state_dict())
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, betas=(0.9, settings.beta2))
    samples_per_epoch = len(pictures) * settings.crops_per_picture // settings.batch_size * settings.batch_size
    steps = settings.epochs * samples_per_epoch // settings.batch_size
    state = _load_state(out, network, averaged, optimizer)
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
    started = time.monotonic()

    with SummaryWriter(out / "tensorboard") as board, tqdm(total=steps, initial=state["step"], unit="step") as bar:
        batches = iter(loader)
        while state["epoch"] < settings.epochs:
            epoch_started = time.monotonic()
            sums: dict[str, float] = {}
            for _ in range(samples_per_epoch // settings.batch_size):
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
            row |= {f"loss_{name}": value * settings.batch_size / samples_per_epoch for name, value in sums.items()}
            row |= validate(averaged, config, val, settings.recipe, device)
            row |= {"seconds": round(seconds, 2), "images_per_s": round(samples_per_epoch / seconds, 1)}
            _log(out, board, row)
            bar.set_postfix_str(f"epoch {row['epoch']}: ssim {row['val_ssim']:.4f} psnr {row['val_psnr']:.2f} dB")
            _keep_best(out, state, row, settings, averaged, {"data_sha256": pictures.hash} | provenance(command))
            _save_state(out, state, network, averaged, optimizer)
            if time.monotonic() - started > stop_after_s:
                break
    return out / f"{settings.student}.json"


@torch.inference_mode()
def validate(network, config, val, recipe, device):
    """Mean SSIM and PSNR over (name, clean) pictures, each degraded with its own fixed draw, as DESIGN.md measures."""
    scores = []
    for name, clean in val:
        degraded = degradation_named(name, recipe).apply(clean)
        restored = restore(network, config, degraded, device)
        scores.append((ssim(clean, restored), psnr(clean, restored)))
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


def _claim(out, settings):
    """Make the run's folder, or check that the run in it is this one."""
    out.mkdir(parents=True, exist_ok=True)
    path, asked = out / "settings.json", json.loads(json.dumps(asdict(settings)))
    if path.exists():
        found = json.loads(path.read_text())
        differ = [name for name in asked if found.get(name) != asked[name] and name not in ("workers", "device")]
        if differ:
            was = ", ".join(f"{name} {found.get(name)!r} (now {asked[name]!r})" for name in differ)
            raise BadSetting(f"{str(out)!r} holds a run with other settings: {was}; give the same, or another --out")
    write_atomically(path, (json.dumps(asked, indent=2) + "\n").encode(), overwrite=True)


def _pictures(settings, out):
    """The training pictures as a PixelCache, and (name, clean) of validation, an equal share of each category."""
    train_files, val_files = train_and_val(settings.data, seed=settings.seed)
    pictures = PixelCache(train_files, out.parent / "cache")
    for path in pictures.skipped:
        tqdm.write(f"left out, damaged or too small: {path}")
    if len(val_files) > settings.val_pictures:
        val_files = split_pictures(val_files, settings.val_pictures / len(val_files), settings.seed)[1]
    return pictures, [(file.path.stem, read_rgb(file.path)) for file in val_files]


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


def _keep_best(out, state, row, settings, averaged, origin):
    """Save the card when validation SSIM is the best so far; count epochs without a better one for the plateau rule."""
    if row["val_ssim"] <= state["best_ssim"]:
        state["waiting"] += 1
        if state["waiting"] > 5:
            state["waiting"], state["halvings"] = 0, state["halvings"] + 1
        return
    state["best_ssim"], state["waiting"] = row["val_ssim"], 0
    training = {"settings": asdict(settings) | {"data": Path(settings.data).name}}
    training |= {"epoch": row["epoch"], "steps": row["step"]} | origin
    weights = {name: tensor.detach().cpu().contiguous().numpy() for name, tensor in averaged.state_dict().items()}
    metrics = {name: round(row[name], 5) for name in ("val_ssim", "val_psnr")}
    save_card(Card(settings.student, STUDENTS[settings.student], weights, training, metrics), out)


def _log(out, board, row):
    with open(out / "metrics.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    for name, value in row.items():
        if name not in ("epoch", "step"):
            board.add_scalar(name, value, row["epoch"])


def _save_state(out, state, network, averaged, optimizer):
    content = {"network": network.state_dict(), "averaged": averaged.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save(content | {"state": state}, out / "last.pt.part")
    os.replace(out / "last.pt.part", out / "last.pt")


def _load_state(out, network, averaged, optimizer):
    """Where the run stands, after loading its last saved epoch if it has one; rows logged after that are cut off."""
    state = {"step": 0, "epoch": 0, "best_ssim": -1.0, "waiting": 0, "halvings": 0}
    log = out / "metrics.jsonl"
    if (out / "last.pt").exists():
        content = torch.load(out / "last.pt", weights_only=True)
        network.load_state_dict(content["network"])
        averaged.load_state_dict(content["averaged"])
        optimizer.load_state_dict(content["optimizer"])
        state = content["state"]
    rows = log.read_text().splitlines()[: state["epoch"]] if log.exists() else []
    write_atomically(log, "".join(row + "\n" for row in rows).encode(), overwrite=True)
    return state
