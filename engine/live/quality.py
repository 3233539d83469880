"""Auto quality: when the student cannot hold the rate it steps down (a smaller student, then half rate), and up again.

A step down needs the time for a frame to be passed for a while; a step up needs clear room for longer, and longer still
after a step up that did not hold. So it never swings, and each step is said once.
"""

import time

from engine.students import STUDENTS

FULL, ROOM = 0.95, 0.7  # of the available time: above it steps down, a step up has to fit below
DOWN_AFTER_S, UP_AFTER_S, LONGEST_UP_S = 1.5, 5.0, 160.0
SETTLE_S = 3.0  # after a step, until what is measured is its own (stats.WINDOW_S)
UNDONE_S = 20.0  # a step up that is taken back sooner was a mistake


class AutoQuality:
    """Watches one pipeline whose sharpener has use(model). chosen: the student that the user wants. clock: seconds."""

    def __init__(self, chosen, macs_per_pixel, clock=time.monotonic):
        self._clock = clock
        self.choose(chosen, macs_per_pixel)

    def choose(self, model, macs_per_pixel):
        """Another student at the top; macs_per_pixel: what it costs (StudentConfig.macs_per_pixel())."""
        costs = {name: config.macs_per_pixel() for name, config in STUDENTS.items() if name != "report"}
        smaller = sorted((name for name in costs if costs[name] < macs_per_pixel), key=lambda name: -costs[name])
        models = [model, *(name for name in smaller if name != model)]
        costs[model] = macs_per_pixel
        # (model, every nth frame, cost of a frame)
        self._steps = [(name, 1, costs[name]) for name in models] + [(models[-1], 2, costs[models[-1]])]
        self._at, self._patience_s = 0, UP_AFTER_S
        self._since = self._stepped_up_at = None
        self._settled_at = self._clock() + SETTLE_S

    @property
    def chosen(self):
        """The student that the user wants."""
        return self._steps[0][0]

    @property
    def stepped_down(self):
        """Whether it is not as the user chose."""
        return self._at > 0

    def tick(self, pipeline):
        """One look; may take the time that opening a student takes."""
        now, work, available = self._clock(), pipeline.stats.work_ms(), pipeline.available_ms()
        if work is None or now < self._settled_at:
            self._since = None
        elif work > FULL * available and self._at + 1 < len(self._steps):
            if self._lasted(now, "down", DOWN_AFTER_S):
                self._step_down(pipeline, work, available, now)
        elif self._at > 0 and self._would_take(work) < ROOM * available / self._steps[self._at][1]:
            if self._lasted(now, "up", self._patience_s):
                self._step(pipeline, self._at - 1, "there is room again: ")
                self._stepped_up_at = now
        else:
            self._since = None

    def _would_take(self, work):
        """What a frame would take one step up: at most in proportion to the multiplications."""
        return work * self._steps[self._at - 1][2] / self._steps[self._at][2]

    def _lasted(self, now, direction, seconds):
        if self._since is None or self._since[0] != direction:
            self._since = direction, now
        return now - self._since[1] >= seconds

    def _step_down(self, pipeline, work, available, now):
        if self._stepped_up_at is not None and now - self._stepped_up_at < UNDONE_S:
            self._patience_s = min(LONGEST_UP_S, 2 * self._patience_s)
        self._step(pipeline, self._at + 1, f"{work:.0f} ms a frame, {available:.0f} ms available: ")

    def _step(self, pipeline, to, why):
        (model, every_nth, _), self._at, self._since = self._steps[to], to, None
        pipeline.sharpener.use(model)
        pipeline.every_nth = every_nth
        rate = "full rate" if every_nth == 1 else "half rate"
        pipeline.say(f"auto quality: {why}now {model} at {rate}")
        self._settled_at = self._clock() + SETTLE_S
