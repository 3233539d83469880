"""The accordion of what was measured in a picture: four sliders, with which a visitor may say otherwise."""

import abc

import gradio as gr

from engine.degradation import RANGES
from webui.measured_values import SLIDERS, number, offer, to_move, told


class MeasuredPanel:
    """Lays the accordion out where it is made. inputs: what told() takes; outputs: what updates() may change."""

    def __init__(self):
        with gr.Accordion("Measured degradation", open=False, visible=False, elem_id="measured") as self.accordion:
            self.sliders = {name: _slider(name) for name in SLIDERS}
            self.as_measured = gr.Button("As measured", size="sm", interactive=False, elem_id="as-measured")
        self._offered = gr.JSON(visible=False, elem_id="offered")
        self.inputs = [self._offered, *self.sliders.values()]
        self.outputs = [self.accordion, self.as_measured, *self.inputs]

    def told(self, index, offered, *numbers):
        """The numbers that the visitor set for picture number index: name -> number."""
        return told(index, offered, numbers)

    def updates(self, index, shown, before=None):
        """What changes when a picture (picture_values.Shown) is shown; before: the offer that came with the event."""
        if shown.measured is None:
            return {self.accordion: gr.update(visible=False)}
        offered, set_ones = offer(index, shown.measured), shown.settings.told
        return {
            self.accordion: gr.update(visible=True),
            self.as_measured: gr.update(interactive=bool(set_ones)),
            self._offered: offered,
            **{self.sliders[name]: offered[name] for name in to_move(offered, before, set_ones)},
        }


def _preprocess(slider, value):
    """Gradio's own check would refuse the whole event, an upload too, while somebody is typing in the number box."""
    return number(value, slider.minimum, slider.maximum)


# By a class statement Gradio would write a .pyi file beside this one; on an instance it would forget the method, as it
# makes a new instance whenever the page is told something about the old one.
_Slider = abc.ABCMeta.__new__(type(gr.Slider), "Slider", (gr.Slider,), {"preprocess": _preprocess})


def _slider(name):
    label, most, step = SLIDERS[name]
    return _Slider(RANGES[name][0], most, step=step, label=label, buttons=[], elem_id=f"measured-{name}")
