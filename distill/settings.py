"""The settings of a training run: built once, checked here, saved beside what they produced."""

from dataclasses import dataclass

from distill.degrade import RECIPES
from distill.learners import LEARNERS, learner_config
from distill.losses import LOSSES
from engine.errors import BadSetting

_CHOICES = {
    "student": tuple(LEARNERS),
    "recipe": (*RECIPES, "both"),
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
    "call_versions": (1, 1000),
    "val_pictures": (1, 100_000),
    "seed": (0, 2**32 - 1),
    "workers": (0, 256),
}
# name: (least, most); the most itself is refused where it would stop training
_NUMBERS = {
    "clean_share": (0, 0.99),
    "call_share": (0, 1),
    "told_share": (0, 1),
    "estimate_weight": (0, 100),
    "alpha": (0, 1),
    "feature_weight": (0, 100),
    "perceptual_weight": (0, 100),
    "learning_rate": (1e-9, 0.99),
    "beta2": (0, 0.99999),
    "ema": (0, 0.99999),
}


@dataclass(frozen=True)
class TrainSettings:
    """One run, whole. Raises BadSetting when a setting is outside its range."""

    data: str
    student: str = "small"
    teacher: str | None = None  # a card's name or path, or a weights file; its picture is a second target
    recipe: str = "report"  # a recipe of distill.degrade, or "both"
    call_share: float = 0.4  # of the crops under "both"
    call_versions: int = 3  # prepared draws of each picture
    epochs: int = 30
    batch_size: int = 8
    crop: int = 192  # pixels, side
    crops_per_picture: int = 16  # in one epoch
    clean_share: float = 0.05  # of the crops stay sharp: what needs nothing must come out untouched
    experts: int | None = None  # None: as many as the student has; 1: blind
    quantise: bool = False  # trained for 8 bits (distill.quantise); begins with weights of the same student
    prune: int | None = None  # channels left of the student of init (distill.prune); None: all
    branches: bool = False  # re-parameterised 3x3 filters (distill.branches)
    told_share: float = 0.25  # of the crops are told their true degradation, so that a user may tell it, too
    estimate_weight: float = 0.3  # of the error of the measured degradation against the picture's
    loss: str = "l1"
    alpha: float = 0.7  # weight of the clean picture against the teacher's
    feature_weight: float = 0.0  # of matching the teacher's features
    perceptual_weight: float = 0.0  # of VGG-19's view of the picture
    vgg: str | None = None  # file of VGG-19's weights, torchvision's names
    learning_rate: float = 3e-3
    beta2: float = 0.99  # Adam's; the usual 0.999 is slow to notice that the first gradients were tiny
    init: str | None = None  # a card of the same student whose weights the run begins with
    estimator: str | None = None  # a card of any student that measures; the run begins with its estimator
    schedule: str = "cosine"  # or "plateau": halved after 5 epochs without a better validation SSIM
    ema: float = 0.999  # decay of the averaged weights that are validated and kept; 0: none
    split: str | None = None  # file of `data check --out`; None: the folder's own train/ and val/, or drawn by seed
    val_pictures: int = 50  # validated every epoch, the same share of each category
    seed: int = 42
    workers: int = 1
    device: str = "cpu"
    precision: str = "float32"  # or "bfloat16": autocast of the forward pass
    compile: bool = False  # by torch.compile: slow to start, faster after

    def __post_init__(self):
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise BadSetting(f"{name} must be one of {', '.join(choices)}, not {getattr(self, name)!r}")
        for name, (least, most) in (_WHOLE | _NUMBERS).items():
            if not least <= getattr(self, name) <= most:  # also false for nan
                words = name.replace("_", "-")
                raise BadSetting(f"{words} must be a number from {least} to {most}, not {getattr(self, name)}")
        if self.experts is not None and not 1 <= self.experts <= 64:
            raise BadSetting(f"experts must be a number from 1 to 64, not {self.experts}")
        if self.feature_weight and self.teacher is None:
            raise BadSetting("feature-weight needs a teacher whose features are matched; give --teacher, or 0")
        if self.perceptual_weight and self.vgg is None:
            raise BadSetting("perceptual-weight needs the weights of VGG-19; give --vgg FILE, or 0")
        if self.loss == "wavelet" and self.crop % 4:
            raise BadSetting(f"crop must be a multiple of 4 for the wavelet loss, not {self.crop}")
        if self.quantise and self.init is None:
            raise BadSetting("quantise goes on from trained weights of the same student; give --init CARD")
        if self.prune is not None and self.init is None:
            raise BadSetting("prune takes channels from trained weights of the same student; give --init CARD")
        multiple = (
            2 * learner_config(self.student, self.experts, self.quantise, self.prune).stride
        )  # the recipes halve sizes
        if self.crop % multiple:
            raise BadSetting(f"crop must be a multiple of {multiple} for {self.student!r}, not {self.crop}")
