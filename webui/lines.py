"""The page's sentences: what happened to a picture, how far a batch is, what went wrong; outside text is escaped."""

import html
import math

from webui.sharpeners import short_name


def shown_line(shown, failures=()):
    """One calm line about a picture (a picture_session.Shown), and a finer one when there is more to know."""
    facts = [
        f"<b>{_text(shown.name)}</b>",
        f"{shown.width} × {shown.height}",
        _text(short_name(shown.settings.model)),
        f"{shown.settings.strength:.0%}".replace("%", " %"),
    ]
    if shown.sharpen_ms is not None:
        facts.append(time_text(shown.sharpen_ms / 1000))
    remarks = [*shown.notices]
    if shown.view.reduced:
        remarks.append(f"shown at {shown.view.width} × {shown.view.height}, the download has the full size")
    elif (shown.view.height, shown.view.width) != (shown.height, shown.width):
        size = f"{shown.view.width} × {shown.view.height}"
        remarks.append(f"the {size} pixels with the most detail are shown, the download has the full size")
    line = f"<p>{' · '.join(facts)}</p>"
    if shown.degradation is not None:
        yours = f" ({_listed(shown.settings.told)})" if shown.settings.told else ""
        line += f'<p class="fine">{_text(f"Measured: {shown.degradation.words}{yours}")}</p>'
    if remarks:
        line += f'<p class="fine">{_text(_sentence("; ".join(remarks)))}</p>'
    for failure in failures:
        line += f'<p class="bad">{_text(_sentence(failure))}</p>'
    return line


def broken_line(message):
    """One sentence about what could not be done."""
    return f'<p class="bad" role="alert">{_text(_sentence(message))}</p>'


def progress_line(step):
    """A batch under way (a picture_session.Progress)."""
    left = "" if step.left_s is None else f", about {time_text(step.left_s, coarse=True)} left"
    return (
        f'<progress max="{step.total}" value="{step.done}" aria-label="pictures done"></progress>'
        f"<p>{step.done + 1} of {step.total}: {_text(step.name)}{left}</p>"
    )


def report_lines(step):
    """A batch that has ended (a picture_session.Finished)."""
    count = f"{step.done} of {step.total} pictures are sharp"
    line = f"<p>{'Stopped: ' if step.stopped else ''}{count}.</p>"
    if step.failures:
        items = "".join(f"<li>{_text(_sentence(failure))}</li>" for failure in step.failures)
        line += f'<p class="bad">{len(step.failures)} could not be read:</p><ul class="bad">{items}</ul>'
    return line


def time_text(seconds, coarse=False):
    """A duration for people: 84 ms, 1.3 s, 2 min. coarse: whole seconds, rounded up."""
    if coarse:
        seconds = math.ceil(seconds)
        return f"{seconds} s" if seconds < 100 else f"{math.ceil(seconds / 60)} min"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def size_text(size):
    """A file's size for people: 312 KB, 4.1 MB."""
    return f"{max(1, round(size / 1000))} KB" if size < 1e6 else f"{size / 1e6:.1f} MB"


def _listed(names):
    *most, last = names
    return f"{', '.join(most)} and {last} as you set them" if most else f"{last} as you set it"


def _sentence(text):
    if "." not in text.split(" ", 1)[0]:  # a file's name keeps its case
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _text(text):
    """Escaped for HTML, and for the templates of gr.HTML, which look at braces."""
    return html.escape(str(text)).replace("{", "&#123;").replace("}", "&#125;").replace("$", "&#36;")
