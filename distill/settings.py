"""The settings of a training run: built once, checked here, saved beside what they produced."""

from dataclasses import dataclass

from distill.degrade import RECIPES
from distill.losses import LOSSES
from engine.errors import BadSetting
from engine.students import STUDENTS

_CHOICES = {
    "student": tuple(STUDENTS),
    "recipe": tuple(RECIPES),
    "loss": tuple(LOSSES),
    "schedule": ("cosine", "plateau"),
    "precision": ("float32", "bfloat16"),
}
# name: (least, most); whole numbers both
_WHOLE = {
    "epochs": (1, 1_000_000),
    "batch_size": (1, 4096),
    "crop": (32, 2048),
    "crops_per_picture": (1, 100_000),
    "val_pictures": (1, 100_000),
    "seed": (0, 2**32 - 1),
    "workers": (0, 256),
}
# name: (least, most); the most itself is refused where it would stop training
_NUMBERS = {
    "clean_share": (0, 0.99),
    "alpha": (0, 1),
    "learning_rate": (1e-9, 0.99),
    "beta2": (0, 0.99999),
    "ema": (0, 0.99999),
}


@dataclass(frozen=True)
class TrainSettings:
    """One run, whole. Raises BadSetting when a setting is outside its range."""

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
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise BadSetting(f"{name} must be one of {', '.join(choices)}, not {getattr(self, name)!r}")
        for name, (least, most) in (_WHOLE | _NUMBERS).items():
            if not least <= getattr(self, name) <= most:  # also false for nan
                words = name.replace("_", "-")
                raise BadSetting(f"{words} must be a number from {least} to {most}, not {getattr(self, name)}")
        multiple = 2 * STUDENTS[self.student].stride  # the recipes halve sizes, the student divides them by its stride
        if self.crop % multiple:
            raise BadSetting(f"crop must be a multiple of {multiple} for {self.student!r}, not {self.crop}")
