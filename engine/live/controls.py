"""What may be changed while frames run: strength and bypass; whatever is set holds from the next frame on."""

import threading

from engine.sharpener import checked_strength


class Controls:
    """Safe from several threads. Raises BadSetting for a strength outside 0 to 2."""

    def __init__(self, strength=1.0, bypass=False):
        self._lock = threading.Lock()
        self._strength, self._bypass = checked_strength(strength), bool(bypass)

    @property
    def strength(self):
        return self._strength

    @strength.setter
    def strength(self, strength):
        strength = checked_strength(strength)
        with self._lock:
            self._strength = strength

    @property
    def bypass(self):
        """Whether frames go out untouched."""
        return self._bypass

    @bypass.setter
    def bypass(self, bypass):
        with self._lock:
            self._bypass = bool(bypass)

    def now(self):
        """The strength of the frame that is next; 0 while bypassing."""
        with self._lock:
            return 0.0 if self._bypass else self._strength
