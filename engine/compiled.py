"""The plain students that a card's experts are mixed into, compiled when first asked for; the last ones are kept."""

from collections import OrderedDict

from engine.assemble import assembled
from engine.backends import Backend, choose, choose_precision, device_of, open_backend
from engine.degradation import Degradation
from engine.errors import BadSetting

# Of Degradation.vector(): 0.025 pixels of blur, 3 % of (1 + noise). A picture restored by the student of the
# nearest step differs from the exact one's by less than 0.3 grey levels (root mean square; tests/engine).
STEP = 0.01


class CompiledStudents:
    """A card's students by degradation; one call at a time. Raises UnknownBackend.

    A blind card has one student for every degradation. Close degradations share one: the nearest step's, so that the
    same picture gives the same result whatever came before it.
    """

    def __init__(self, card, backend="auto", device="auto", threads=None, precision="auto"):
        self._card, self._threads = card, threads
        self._kept: OrderedDict[tuple, Backend] = OrderedDict()  # step -> student, the one used last at the end
        self._device = device
        self._closed = False
        # what cannot be is refused now; students are compiled when it is known which
        self.backend_name = choose(backend, device)
        self.device = device_of(self.backend_name, device)
        self.precision = choose_precision(card, self.backend_name, device, precision)

    def get(self, degradation):
        """The compiled student for a degradation; None is allowed for a blind card."""
        if self._closed:
            raise BadSetting("this sharpener is closed; make another")
        key = () if self._card.config.experts == 1 else step_of(degradation)
        newest = next(reversed(self._kept), key)
        if newest != key:
            self._kept[newest].rest()
        if key not in self._kept:
            self._kept[key] = self._compile(key)
            while len(self._kept) > self._kept[key].kept:
                self._kept.popitem(last=False)[1].close()
        self._kept.move_to_end(key)
        return self._kept[key]

    def __len__(self):
        return len(self._kept)

    def close(self):
        """Free all of them; get() then says so."""
        self._closed = True
        while self._kept:
            self._kept.popitem()[1].close()

    def _compile(self, key):
        card = assembled(self._card, degradation_of(key)) if key else self._card
        _, student = open_backend(card, self.backend_name, self._device, self._threads, self.precision)
        return student


def step_of(degradation):
    """The nearest step: four whole numbers."""
    return tuple(round(number / STEP) for number in degradation.vector())


def degradation_of(step):
    """The degradation in the middle of a step."""
    return Degradation.from_vector(STEP * number for number in step)
