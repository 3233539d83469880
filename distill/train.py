"""Training a student or a teacher: a run is a folder with its settings, log, last state and best card; it resumes.

RUN/NAME.json, .safetensors   the best so far by validation SSIM: a card that `--model` (`--teacher`) takes
RUN/tensorboard/              the log's curves
RUN/...                       distill.run_folder says the rest
"""

import math
import time
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from distill.branches import add_branches, folded
from distill.learners import build_learner, learner_config, run, to_batch
from distill.luma import planes
from distill.objective import Objective, average_gradients
from distill.pairs import Batches
from distill.prune import pruned
from distill.quantise import calibrate
from distill.resident import ResidentBatches
from distill.rrdb import RRDBConfig
from distill.run_data import RunData
from distill.run_folder import RunFolder
from distill.settings import TrainSettings
from distill.teachers import load_teacher, save_teacher
from distill.validate import validate
from engine.atomic_write import writing_into
from engine.cards import Card, load_card, save_card
from engine.errors import BadData, BadSetting
from engine.provenance import provenance
from engine.students import StudentConfig


def train(settings: TrainSettings, out, *, command="", stop_after_s=math.inf):
    """Train, or go on training, the run in folder `out`; returns the path of the best card.

    command: the command line that started it, kept in the card. stop_after_s: seconds after which the run stops at the
    end of an epoch, whole and resumable. Under `accelerate launch` each process takes its equal part of every batch.
    Raises BadSetting when `out` holds a run with other settings, BadData for data that cannot be trained on.
    """
    accelerator = Accelerator(cpu=settings.device == "cpu")
    if settings.batch_size % accelerator.num_processes:
        raise BadSetting(
            f"batch-size {settings.batch_size} cannot be shared equally by {accelerator.num_processes} processes"
        )
    device = accelerator.device if accelerator.num_processes > 1 else _device(settings.device)
    teacher = None if settings.teacher is None else load_teacher(settings.teacher, device)
    for card in (settings.init, settings.estimator):
        if card is not None:
            load_card(card)  # a wrong name is refused before minutes of preparing
    stop_at = time.monotonic() + stop_after_s
    with writing_into(out), RunFolder(out, is_main=accelerator.is_main_process) as folder:
        with accelerator.main_process_first():  # it fills the caches, the others read them
            data = RunData(settings, Path(out).parent / "whetstone-cache", accelerator.is_main_process)
        return _train(settings, folder, data, teacher, accelerator, device, command, stop_at)


def _train(settings, folder, data, teacher, accelerator, device, command, stop_at):
    torch.manual_seed(settings.seed)
    config = learner_config(settings.student, settings.experts, settings.quantise, settings.prune)
    network = build_learner(config, device)
    averaged = build_learner(config, device).eval()
    if settings.init is not None:
        _begin_with(settings.init, config, network, data, device)
    if settings.estimator is not None:
        _take_estimator(settings.estimator, config, network)
    if settings.branches:
        add_branches(network)
        add_branches(averaged)
    averaged.load_state_dict(network.state_dict())
    objective = Objective(settings, config, network, teacher, device)
    trained, betas = [*network.parameters(), *objective.parameters()], (0.9, settings.beta2)
    optimizer = torch.optim.Adam(trained, settings.learning_rate, betas, fused=device.type in ("cpu", "cuda"))
    steps_per_epoch = len(data.pictures) * settings.crops_per_picture // settings.batch_size
    if steps_per_epoch == 0:
        raise BadData(
            f"{len(data.pictures)} training pictures x {settings.crops_per_picture} crops do not fill one batch of "
            f"{settings.batch_size}; lower --batch-size or raise --crops-per-picture"
        )
    samples_per_epoch, steps = steps_per_epoch * settings.batch_size, settings.epochs * steps_per_epoch
    state = {"step": 0, "epoch": 0, "best_ssim": -1.0, "waiting": 0, "halvings": 0}
    if (kept := folder.resume(settings, data.sha256)) is not None:
        network.load_state_dict(kept["network"])
        averaged.load_state_dict(kept["averaged"])
        optimizer.load_state_dict(kept["optimizer"])
        if objective.hints is not None:
            objective.hints.load_state_dict(kept["hints"])
        state = kept["state"]
    parts = Batches(settings.batch_size, state["step"], steps, accelerator.process_index, accelerator.num_processes)
    batches = iter(_loader(settings, data.pairs, parts, device))
    forward = network if accelerator.num_processes == 1 else accelerator.prepare_model(network)
    if settings.compile:
        forward = torch.compile(forward)

    with (
        SummaryWriter(folder.path / "tensorboard") if accelerator.is_main_process else nullcontext() as board,
        tqdm(total=steps, initial=state["step"], unit="step", disable=not accelerator.is_main_process) as bar,
    ):
        while state["epoch"] < settings.epochs:
            epoch_started = time.monotonic()
            sums: dict[str, float] = {}
            for _ in range(steps_per_epoch):
                _set_rate(optimizer, settings, state, steps)
                if settings.init is None:
                    network.slope = averaged.slope = 0.1 * max(0.0, 1 - state["step"] / (0.1 * steps))  # alive ReLUs
                clean, degraded, truth = (tensor.to(device, non_blocking=True) for tensor in next(batches))
                clean, degraded = planes(to_batch(clean), config.channels), to_batch(degraded)
                is_told = _told(settings, state["step"], accelerator, device)
                with torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"):
                    taught = objective.teach(degraded, truth)
                    restored, measured = run(forward, config, degraded, truth, is_told)
                losses = objective(restored, clean, taught, measured, truth)
                optimizer.zero_grad(set_to_none=True)
                losses["total"].backward()
                average_gradients(objective.parameters(), accelerator)
                torch.nn.utils.clip_grad_norm_(trained, 1.0)  # a rare bad batch must not undo an hour
                optimizer.step()
                state["step"] += 1
                _average(averaged, network, settings.ema, state["step"])
                for name, value in losses.items():
                    sums[name] = sums.get(name, 0.0) + float(value.detach())
                bar.update()

            state["epoch"] += 1
            if accelerator.is_main_process:
                seconds = time.monotonic() - epoch_started
                rate = optimizer.param_groups[0]["lr"]
                row = {"epoch": state["epoch"], "step": state["step"], "learning_rate": rate}
                row |= {f"loss_{name}": value / steps_per_epoch for name, value in sums.items()}
                row |= _validated(averaged, config, data, device)
                row |= {"seconds": round(seconds, 2), "images_per_s": round(samples_per_epoch / seconds, 1)}
                folder.log(row)
                for name, value in row.items():
                    if name not in ("epoch", "step"):
                        board.add_scalar(name, value, row["epoch"])
                bar.set_postfix_str(f"epoch {row['epoch']}: ssim {row['val_ssim']:.4f} psnr {row['val_psnr']:.2f} dB")
                if _is_best(state, row):
                    origin = {"data_sha256": data.pictures.hash} | provenance(command)
                    _save_best(settings, config, averaged, row, origin, folder.path)
                weights = {"network": network.state_dict(), "averaged": averaged.state_dict()}
                content = weights | {"optimizer": optimizer.state_dict(), "state": state}
                if objective.hints is not None:
                    content["hints"] = objective.hints.state_dict()
                folder.save(settings, data.sha256, state["epoch"], content)
            if accelerator.num_processes > 1:
                _share(state, device)
            if time.monotonic() > stop_at:
                break
    return folder.path / f"{settings.student}.json"


def _validated(network, config, data, device):
    """val_ssim and val_psnr over all recipes, and of each recipe: val_call_psnr, ...; train_ssim on a few pictures."""
    by_recipe = {recipe: validate(network, config, pairs, device) for recipe, pairs in data.val.items()}
    row = {f"val_{name}": float(np.mean([scores[name] for scores in by_recipe.values()])) for name in ("ssim", "psnr")}
    for recipe, scores in by_recipe.items():
        row |= {f"val_{recipe}_{name}": value for name, value in scores.items()}
    return row | {"train_ssim": validate(network, config, data.seen, device)["ssim"]}


def _device(name):
    """The torch device of a name. Raises BadSetting when there is none."""
    kind, _, index = name.partition(":")
    count = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}.get(kind, 0)
    if not (index or "0").isdecimal() or int(index or 0) >= count:
        raise BadSetting(f"there is no device {name!r} for torch on this machine; leave --device out, or say cpu")
    return torch.device(name)


def _begin_with(model, config, network, data, device):
    """Load a card's weights into the network. Raises BadSetting when it is another student's."""
    card = load_card(model)
    weights, given = card.weights, card.config
    if isinstance(given, StudentConfig) and isinstance(config, StudentConfig) and given.width > config.width:
        weights, given = pruned(weights, given, config.width)
    other = not isinstance(given, StudentConfig) or replace(given, quantised=config.quantised) != config
    if given != config and other:
        raise BadSetting(f"--init {model} holds {card.config}, the run trains {config}; give one of the same student")
    ranges_too = given.quantised or not config.quantised
    wanted = network.state_dict().keys() & weights.keys()
    network.load_state_dict({name: torch.from_numpy(weights[name].copy()) for name in wanted}, strict=ranges_too)
    if not ranges_too and data.seen:
        seen = [planes(to_batch(torch.from_numpy(pair[1])[None].to(device)), 1) for pair in data.seen]
        calibrate(network, [batch[..., : batch.shape[-2] // 8 * 8, : batch.shape[-1] // 8 * 8] for batch in seen])


def _take_estimator(model, config, network):
    """Load a card's estimator into the network. Raises BadSetting where either has none."""
    card = load_card(model)
    if getattr(config, "experts", 1) == 1 or card.config.experts == 1:
        raise BadSetting(f"--estimator {model}: both it and the student of the run must have experts; leave it out")
    prefix = "estimator."
    found = {name: array for name, array in card.weights.items() if name.startswith(prefix)}
    network.estimator.load_state_dict({name.removeprefix(prefix): torch.tensor(array) for name, array in found.items()})


def _loader(settings, pairs, parts, device):
    """Gives the steps' batches: made on an accelerator itself, on a processor by workers."""
    if device.type != "cpu":
        return ResidentBatches(pairs, parts, device)
    return DataLoader(pairs, batch_sampler=parts, num_workers=settings.workers, persistent_workers=settings.workers > 0)


def _told(settings, step, accelerator, device):
    """(N,) which samples of this process are told their degradation, the same when the run is resumed."""
    chances = np.random.default_rng((settings.seed, 2, step)).random(settings.batch_size)
    part = settings.batch_size // accelerator.num_processes
    mine = chances[accelerator.process_index * part :][:part]
    return torch.from_numpy(mine < settings.told_share).to(device)


def _set_rate(optimizer, settings, state, steps):
    """Learning rate of this step: 200 steps of warm-up, then a cosine to zero; or what the plateau rule left."""
    if settings.schedule == "cosine":
        warm = min(1.0, (state["step"] + 1) / 200)
        rate = settings.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * state["step"] / steps))
    else:
        rate = settings.learning_rate * 0.5 ** state["halvings"]
    for group in optimizer.param_groups:
        group["lr"] = rate


@torch.no_grad()
def _average(averaged, network, decay, step):
    """Move the averaged weights towards the network's; faster at the start, so that they forget the first ones."""
    decay = min(decay, (1 + step) / (10 + step))
    torch._foreach_lerp_(list(averaged.parameters()), list(network.parameters()), 1 - decay)


def _share(state, device):
    """Give every process the counts that the main one has after validation: the plateau rule must halve alike."""
    counts = torch.tensor([state["best_ssim"], state["waiting"], state["halvings"]], dtype=torch.float64, device=device)
    torch.distributed.broadcast(counts, 0)
    state["best_ssim"], state["waiting"], state["halvings"] = counts[0].item(), int(counts[1]), int(counts[2])


def _is_best(state, row):
    """Whether validation SSIM is the best so far; counts epochs without a better one for the plateau rule."""
    if row["val_ssim"] > state["best_ssim"]:
        state["best_ssim"], state["waiting"] = row["val_ssim"], 0
        return True
    state["waiting"] += 1
    if state["waiting"] > 5:
        state["waiting"], state["halvings"] = 0, state["halvings"] + 1
    return False


def _save_best(settings, config, averaged, row, origin, folder):
    training = {"settings": asdict(settings) | {"data": Path(settings.data).name}}
    training |= {"epoch": row["epoch"], "steps": row["step"]} | origin
    metrics = {name: round(value, 5) for name, value in row.items() if name.startswith("val_")}
    if isinstance(config, RRDBConfig):
        save_teacher(settings.student, averaged, training, metrics, folder)
    else:
        weights = folded(averaged, config.stored_shapes())
        weights = {name: tensor.cpu().contiguous().numpy() for name, tensor in weights.items()}
        save_card(Card(settings.student, config, weights, training, metrics), folder)
