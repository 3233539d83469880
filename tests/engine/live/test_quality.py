"""Laws of auto quality: down when the rate cannot be held, up when there is room for long, never to and fro."""

import pytest

from engine.live.quality import SETTLE_S, UP_AFTER_S, AutoQuality
from engine.students import STUDENTS
from tests.engine.live.fakes import FakeClock


class Machine:
    """A pipeline and its sharpener: a student's time is its multiplications over the machine's speed."""

    def __init__(self, speed, fps=30.0):
        self.speed, self.fps, self.clock = speed, fps, FakeClock()
        self.model, self.every_nth, self.said, self.stats, self.sharpener = "small", 1, [], self, self
        self.quality = AutoQuality("small", STUDENTS["small"].macs_per_pixel(), self.clock)

    def work_ms(self):
        return STUDENTS[self.model].macs_per_pixel() / self.speed

    def available_ms(self):
        return 1e3 * self.every_nth / self.fps

    def use(self, model):
        self.model = model

    def say(self, line):
        self.said.append(line)

    def run(self, seconds):
        for _ in range(round(4 * seconds)):
            self.clock.now += 0.25
            self.quality.tick(self)
        return self.model, self.every_nth


SMALL, NANO = (STUDENTS[name].macs_per_pixel() for name in ("small", "nano"))


def test_a_machine_that_holds_the_rate_is_left_alone():
    machine = Machine(speed=SMALL / 25)
    assert machine.run(120) == ("small", 1) and machine.said == []


def test_too_slow_for_small_goes_to_nano_and_says_so_once():
    machine = Machine(speed=SMALL / 45)
    assert machine.run(60) == ("nano", 1)
    assert machine.said == ["auto quality: 45 ms a frame, 33 ms available: now nano at full rate"]


def test_too_slow_for_nano_goes_to_half_rate():
    machine = Machine(speed=NANO / 50)
    assert machine.run(60) == ("nano", 2)
    assert len(machine.said) == 2 and machine.said[1].endswith("now nano at half rate")


def test_when_the_load_goes_it_steps_back_up():
    machine = Machine(speed=NANO / 50)
    machine.run(60)
    machine.speed = SMALL / 15
    assert machine.run(60) == ("small", 1)
    assert [line.split(": ")[-1] for line in machine.said[2:]] == ["now nano at full rate", "now small at full rate"]


def test_a_short_burst_of_load_changes_nothing():
    machine = Machine(speed=SMALL / 25)
    machine.run(20)
    machine.speed /= 3
    machine.run(1)
    machine.speed *= 3
    assert machine.run(60) == ("small", 1) and machine.said == []


def test_a_step_up_that_does_not_hold_is_tried_ever_more_seldom():
    """The load comes whenever it is at small, and goes whenever it is at nano: the worst case for swinging."""
    machine, changes = Machine(speed=SMALL / 45), []
    for second in range(1200):
        before = machine.model
        machine.speed = SMALL / (45 if machine.model == "small" else 15)
        machine.run(1)
        if machine.model != before:
            changes.append(second)
    at_nano = [up - down for down, up in zip(changes[::2], changes[1::2])]
    assert at_nano[0] == pytest.approx(SETTLE_S + UP_AFTER_S, abs=2)
    assert all(later >= earlier - 1 for earlier, later in zip(at_nano, at_nano[1:])) and at_nano[-1] > 150


def test_a_student_of_ones_own_is_the_top_again():
    machine = Machine(speed=SMALL / 45)
    machine.run(60)
    machine.quality.choose("base", STUDENTS["base"].macs_per_pixel())
    machine.model = "base"
    machine.run(SETTLE_S + 3)
    assert machine.model == "small" and machine.quality.chosen == "base" and machine.quality.stepped_down


@pytest.mark.parametrize("fps", [5.0, 60.0])
def test_what_is_available_is_the_sources_own_rate(fps):
    machine = Machine(speed=SMALL / 25, fps=fps)
    assert machine.run(60) == (("small", 1) if fps == 5 else ("nano", 1))
