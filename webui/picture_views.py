"""The views of one picture, before and after; of a large one, quick ones while the strength slider moves."""

from dataclasses import dataclass, replace

import numpy as np

from webui.preview import detail_view, seen, whole_view

WHOLE, DETAIL = "whole", "detail"
LARGE_PIXELS = 4_000_000
_MARGIN = 128  # pixels around a part that can change it: more than any student reaches, a multiple of every stride


@dataclass(frozen=True)
class After:
    """A view of the sharpened picture. pixels: the whole result, None when the view was made without it."""

    part: np.ndarray
    pixels: np.ndarray | None


class PictureViews:
    """A decoded picture (engine.images.Picture) and what is remembered of it while it is on the page."""

    def __init__(self, picture):
        self.picture = picture
        self._views = {}  # view kind -> View
        self._before = {}  # view kind -> what is seen of it
        self._changes = {}  # model -> (degradation, what strength 1 adds to the whole view, int16)
        self._measured = {}  # model -> degradation

    @property
    def large(self):
        """Whether sharpening all of it takes too long for every step of the slider."""
        height, width = self.picture.pixels.shape[:2]
        return height * width > LARGE_PIXELS

    @property
    def has_detail(self):
        """Whether the view of the whole picture is reduced."""
        return self.view(WHOLE).reduced

    def view(self, kind):
        """The View of a kind, WHOLE or DETAIL."""
        if kind not in self._views:
            pixels = self.picture.pixels
            self._views[kind] = detail_view(pixels) if kind == DETAIL else whole_view(*pixels.shape[:2])
        return self._views[kind]

    def before(self, kind):
        """The view of the picture as it is, (height, width) of the view, 8 bits."""
        if kind not in self._before:
            self._before[kind] = seen(self.picture.pixels, self.view(kind))
        return self._before[kind]

    def measured(self, model, sharpener):
        """What the model's estimator found in the whole picture, None where it is blind."""
        if model not in self._measured:
            self._measured[model] = sharpener.measure(self.picture.pixels)
        return self._measured[model]

    def degradation(self, model, sharpener, told):
        """The same, with the numbers that a visitor told. Raises BadSetting for a number outside its range."""
        measured = self.measured(model, sharpener)
        return measured and replace(measured, **told)

    def after(self, kind, model, sharpener, strength, degradation=None):
        """The view of the picture sharpened: exact for pictures up to LARGE_PIXELS; else as quickly as it can be had.

        Of a large picture the detail is sharpened alone, and the whole is the picture plus strength times what
        strength 1 adds, found once: right but for the halo guard above 1 and for clipping inside a shown pixel.
        degradation: of the whole picture, from degradation(); a part of it is not measured by itself.
        """
        if strength == 0:
            return After(self.before(kind), self.picture.pixels)
        if self.large and kind == DETAIL:
            return After(self._sharpen_part(kind, sharpener, strength, degradation), None)
        if not self.large or strength == 1:
            return self.exact(kind, model, sharpener, strength, degradation)
        if model not in self._changes or self._changes[model][0] != degradation:
            self.exact(kind, model, sharpener, 1.0, degradation)
        blend = self.before(kind) + strength * self._changes[model][1]
        return After(blend.round().clip(0, 255).astype(np.uint8), None)

    def exact(self, kind, model, sharpener, strength, degradation=None):
        """The same from the whole result."""
        pixels = sharpener(self.picture.pixels, strength=strength, degradation=degradation)
        part = seen(pixels, self.view(kind))
        if self.large and kind == WHOLE and strength == 1:
            self._changes[model] = degradation, part.astype(np.int16) - self.before(kind)
        return After(part, pixels)

    @property
    def nbytes(self):
        """Memory that is held."""
        held = [self.picture.pixels, *self._before.values(), *(change for _, change in self._changes.values())]
        return sum(array.nbytes for array in held)

    def _sharpen_part(self, kind, sharpener, strength, degradation):
        view, pixels = self.view(kind), self.picture.pixels
        top = max(0, view.top - _MARGIN) // _MARGIN * _MARGIN
        left = max(0, view.left - _MARGIN) // _MARGIN * _MARGIN
        around = pixels[top : view.bottom + _MARGIN, left : view.right + _MARGIN]
        sharp = sharpener(np.ascontiguousarray(around), strength=strength, degradation=degradation)
        inside = sharp[view.top - top : view.bottom - top, view.left - left : view.right - left]
        return seen(inside, whole_view(*inside.shape[:2]))
