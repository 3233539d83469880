"""Laws of the students: sizes that the report and DESIGN state, and a torch module for every configuration."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadSetting
from engine.students import REPORT_PARAMETERS, STUDENTS, StudentConfig, parameter_count


def test_the_reports_student_has_the_parameters_the_report_states():
    assert parameter_count(STUDENTS["report"]) == 334_147


def test_prototype_sizes_are_those_of_the_design():
    # DESIGN.md, prototype figures: stride 4, (width, depth) -> parameters
    for width, depth, parameters in ((16, 2, 9_280), (24, 3, 22_576), (32, 4, 46_256)):
        assert parameter_count(StudentConfig(4, width, depth)) == parameters


def test_each_student_lies_where_the_family_puts_it():
    assert 15_000 < parameter_count(STUDENTS["nano"]) < 25_000
    assert 50_000 <= parameter_count(STUDENTS["small"]) <= 100_000
    assert parameter_count(STUDENTS["base"]) <= REPORT_PARAMETERS
    assert 3 * STUDENTS["base"].macs_per_pixel() < STUDENTS["report"].macs_per_pixel()


@pytest.mark.parametrize(
    "wrong", [{"stride": 0}, {"width": -1}, {"depth": 2.5}, {"width": True}, {"experts": 0}, {"mixed": "halves"}]
)
def test_a_number_outside_its_range_is_refused_by_name(wrong):
    with pytest.raises(BadSetting, match=f"student {next(iter(wrong))} "):
        StudentConfig(**wrong)


@pytest.mark.parametrize("name", STUDENTS)
def test_the_torch_module_has_the_weights_that_the_configuration_lists(name):
    pytest.importorskip("torch", reason="torch is not installed")
    from engine.networks import build_network

    module = build_network(STUDENTS[name])
    assert {key: tuple(value.shape) for key, value in module.state_dict().items()} == STUDENTS[name].shapes()


@given(stride=st.sampled_from([1, 2, 4]), width=st.integers(1, 6), depth=st.integers(0, 3))
def test_no_pixel_outside_the_reach_changes_a_pixel(stride, width, depth):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from engine.networks import network_from_card
    from tests.engine.students_for_tests import random_card

    config = StudentConfig(stride, width, depth)
    network = network_from_card(random_card(config=config))
    side = 2 * config.reach + 2 * stride
    middle = side // 2 // stride * stride
    batch = torch.zeros(1, 1, side, side)
    touched = batch.clone()
    touched[0, 0, middle, middle] = 1
    with torch.no_grad():
        rows = (network(touched) - network(batch)).abs().amax((0, 1, 3)).nonzero().flatten()
    assert all(abs(int(row) - middle) <= config.reach for row in rows)
