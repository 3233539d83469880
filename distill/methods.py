"""The methods that an evaluation measures, called alike: the degraded picture, classical ones, students, teachers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product

from distill.baselines import BASELINES, tuned
from engine.errors import BadSetting
from engine.sharpener import Sharpener

FRAME = 1920 * 1080  # pixels that the arithmetic of a method is quoted for
INFORMED = " (informed)"  # ends the name of what is told the truth
DEGRADATIONS = ("auto", "true")  # a student measures the picture, or is told the truth


@dataclass(frozen=True)
class Method:
    """One row of the tables.

    restore: (degraded (H, W, 3) uint8 RGB, its true engine.degradation.Degradation) -> restored, same shape and type.
    facts: plain values about it; "parameters" and "gmacs_1080p" (10^9 multiply-accumulates a frame) become columns.
    """

    name: str
    restore: Callable = field(repr=False)
    facts: dict = field(default_factory=dict)
    sharpener: Sharpener | None = None  # of a student


DEGRADED = Method("degraded", lambda degraded, truth: degraded)


def baseline_method(name, settings, recipe):
    """A tuned classical method."""
    restore = tuned(name, settings, recipe)
    return Method(name, lambda degraded, truth: restore(degraded))


def student_methods(models, strength, degradations=("auto",), precisions=("auto",)):
    """A method for each student (shipped name or path of a card), and one more where it can be told the truth.

    degradations: some of DEGRADATIONS; a blind student has neither and is there once. precisions: as a Sharpener's; of
    several each is a method. Two cards of one name are told apart by their paths. Raises BadSetting, UnknownModel,
    BadCard.
    """
    unknown = [word for word in degradations if word not in DEGRADATIONS]
    if unknown or not degradations:
        raise BadSetting(f"degradation must be some of {', '.join(DEGRADATIONS)}, not {' '.join(unknown) or 'none'}")
    taken, methods = {DEGRADED.name, *BASELINES}, []
    for model, precision in product(models, precisions):
        sharpener = Sharpener(model, precision=precision)
        suffix = f" {precision}" if len(precisions) > 1 else ""
        name = f"{sharpener.name if sharpener.name + suffix not in taken else model}{suffix}"
        taken.add(name)
        card = sharpener.card
        facts = {"parameters": card.parameters, "gmacs_1080p": _gmacs(card.config.macs_per_pixel())}
        facts |= {"weights_sha256": card.weights_sha256, "precision": sharpener.precision}
        if sharpener.blind or "auto" in degradations:
            methods.append(Method(name, _measuring(sharpener, strength), facts, sharpener))
        if not sharpener.blind and "true" in degradations:
            methods.append(Method(f"{name}{INFORMED}", _told(sharpener, strength), facts, sharpener))
    return methods


def teacher_methods(sources, cache, taken=()):
    """A method for each teacher (a source of distill.teachers.load_teacher); one that is told the truth says so.

    cache: folder where its pictures are kept, so that each is made once. taken: names that others have; a teacher of
    such a name goes by its source.
    Raises UnknownModel, BadCard, BadSetting.
    """
    if not sources:
        return []
    import torch

    from distill.teacher_cache import TeacherCache
    from distill.teachers import load_teacher

    device = "cuda" if torch.cuda.is_available() else "cpu"
    methods = []
    for source in sources:
        teacher = load_teacher(source, device)
        name = f"{teacher.name if teacher.name not in taken else source}{INFORMED if teacher.informed else ''}"
        facts = {"parameters": teacher.parameters}
        if teacher.macs_per_pixel is not None:
            facts["gmacs_1080p"] = _gmacs(teacher.macs_per_pixel)
        facts |= {"weights_sha256": teacher.weights_sha256, "resize": teacher.resize}
        methods.append(Method(name, _taught(TeacherCache(teacher, cache), teacher.informed), facts))
    return methods


def _taught(teacher, informed):
    return lambda degraded, truth: teacher(degraded, truth if informed else None)


def _measuring(sharpener, strength):
    return lambda degraded, truth: sharpener(degraded, strength=strength)


def _told(sharpener, strength):
    return lambda degraded, truth: sharpener(degraded, strength=strength, degradation=truth)


def _gmacs(macs_per_pixel):
    return round(macs_per_pixel * FRAME / 1e9, 2)
