"""What the page offers as measured in a picture, and what a visitor set instead; knows no Gradio.

What was offered travels with the values of the sliders: what differs from it was set by the visitor.
"""

SLIDERS = {  # name: (label, most, step); a picture that is worse than the most is taken as measured nevertheless
    "blur": ("Blur (pixels)", 4, 0.1),
    "noise": ("Noise (levels)", 25, 1),
    "compression": ("Compression (levels)", 20, 1),
    "upscaling": ("Enlarged (times)", 4, 0.1),
}


def offer(index, measured):
    """The numbers of a Degradation as the sliders can show them, with the number of the picture: a JSON object."""
    numbers = {}
    for name, (_, most, step) in SLIDERS.items():
        numbers[name] = round(min(round(getattr(measured, name) / step) * step, most), 2)
    return {"picture": index, **numbers}


def told(index, offered, numbers):
    """The numbers that the visitor set for picture number index: name -> number. offered: as it came back."""
    if not isinstance(offered, dict) or offered.get("picture") != index:
        return {}
    pairs = zip(SLIDERS, numbers, strict=True)
    return {name: number for name, number in pairs if number is not None and number != offered.get(name)}


def to_move(offered, before, told):
    """Names of the sliders that are out of date: not those the visitor set, nor those that show their number already.

    offered, before: what is offered now, and what was when the event came (or None, when that is not known).
    """
    if not isinstance(before, dict) or before.get("picture") != offered["picture"]:
        before = {}
    return [name for name in SLIDERS if name not in told and before.get(name) != offered[name]]


def number(value, least, most):
    """What a number box holds, brought into its range; None for an empty one, and as it is what is no number."""
    if value is None or value == "":
        return None
    try:
        return min(max(float(value), least), most)
    except (TypeError, ValueError):
        return str(value)[:20]
