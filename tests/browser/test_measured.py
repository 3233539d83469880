"""What was measured, in headless Chromium: said, overridden by keyboard, reset, hidden for blind models, on a phone."""

import pytest

from engine.cards import load_card, model_names
from tests.browser.chromium import choose, open_page, wait_for_result
from tests.browser.test_picture_tab import file
from tests.webui.page_process import running_page, tiny_mixture
from tests.webui.pictures import encoded, scene

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
BLIND = [name for name in model_names() if load_card(name).config.experts == 1]


@pytest.fixture(scope="module")
def mixture(tmp_path_factory):
    with running_page("--model", tiny_mixture(tmp_path_factory.mktemp("student"))) as running:
        yield running


@pytest.fixture(params=[{}, PHONE], ids=["desktop", "phone"])
def page(mixture, browser, request):
    with open_page(browser, mixture.address, **request.param) as (page, log):
        choose(page, file(encoded(scene(200, 300), "PNG"), "a.png"))
        wait_for_result(page, "a.png")
        page.click("#measured button.label-wrap")
        page.wait_for_selector("#measured-upscaling input[type=range]")
        yield page
    assert log.complaints == [] and "Traceback" not in mixture.output


def said(page, words, there=True):
    page.wait_for_function(
        "([words, there]) => document.querySelector('#status').innerText.includes(words) === there", arg=[words, there]
    )
    return page.locator("#status").inner_text()


def shown(page, name):
    return float(page.locator(f"#measured-{name} input[type=number]").input_value())


def test_a_slider_moved_by_keyboard_goes_before_the_measure_until_it_is_reset_or_another_picture_comes(page):
    assert f"blur {shown(page, 'blur'):.1f} px, noise {shown(page, 'noise'):.0f}" in said(page, "Measured:")
    before, picture = shown(page, "blur"), page.locator("#compare img.fixed").get_attribute("src")
    assert page.locator("#as-measured").is_disabled()
    page.locator("#measured-blur input[type=range]").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert "(blur as you set it)" in said(page, f"blur {before + 0.5:.1f} px")
    page.wait_for_function(f"document.querySelector('#compare img.fixed').src !== {picture!r}")
    wait_for_result(page, "a.png")
    page.locator("#as-measured").focus()
    page.keyboard.press("Enter")
    assert "as you set it" not in said(page, f"blur {before:.1f} px")
    page.wait_for_function(
        f"+document.querySelector('#measured-blur input[type=number]').value === {before} "
        "&& document.querySelector('#as-measured').disabled"
    )
    page.locator("#measured-noise input[type=range]").focus()
    page.keyboard.press("End")
    said(page, "noise as you set it")
    choose(page, file(encoded(scene(120, 200, seed=2), "PNG"), "b.png"))
    wait_for_result(page, "b.png")
    said(page, "as you set it", there=False)
    page.wait_for_function("+document.querySelector('#measured-noise input[type=number]').value < 25")


def test_nothing_is_wider_than_the_window(page):
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.skipif(not BLIND, reason="no shipped student is blind")
def test_a_blind_model_hides_the_sliders_and_what_was_set_comes_back_with_the_other(page):
    page.locator("#measured-blur input[type=range]").focus()
    page.keyboard.press("End")
    said(page, "blur 4.0 px")
    page.locator(f"#model input[value='{BLIND[0]}']").check()
    said(page, "Measured", there=False)
    page.wait_for_selector("#measured", state="hidden")
    page.locator("#model input").last.check()
    said(page, "blur as you set it")
    page.wait_for_selector("#measured", state="visible")
