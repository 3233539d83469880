"""The picture tab: drop, compare, set the strength, download; picture_session says what the clicks mean."""

import abc
import base64
import functools
import html
import inspect
import io
import itertools
import sys
import traceback
from typing import Any

import gradio as gr

from engine.errors import BadSetting, WhetstoneError
from webui.lines import broken_line, progress_line, report_lines, shown_line, size_text
from webui.measured_panel import MeasuredPanel
from webui.picture_values import Progress, Settings
from webui.picture_views import DETAIL, WHOLE
from webui.sharpeners import choices
from webui.theme import STATIC
from webui.turnstile import address_of
from webui.uploads import Upload

_THUMBNAIL = (160, 108)  # width, height; shown at half of it
_BUSY = "(...values) => { window.whetstone?.busy(); return values; }"
_changes = itertools.count()

# Gradio's own check knows the names only as long as it remembers the visitor: a restarted server would refuse the event
# without a word. The session checks the number, and says what to do. Why no class statement: see measured_panel.
_Chooser = abc.ABCMeta.__new__(
    type(gr.Dropdown), "Dropdown", (gr.Dropdown,), {"preprocess": lambda _chooser, number: number}
)


def build(desk, behind_proxy=False):
    """Lay out the tab inside the Blocks that is being built, over a PictureDesk. behind_proxy: as of address_of."""
    limits = desk.limits

    def session_of(request):
        return desk.session(request.session_hash, address_of(request.request.scope, behind_proxy))

    entry = gr.HTML(
        html_template=_static("drop_zone.html"),
        js_on_load=_static("drop_zone.js"),
        elem_id="drop",
        limit=f"up to {limits.max_pixels / 1e6:g} megapixels each",
        max_bytes=limits.max_file_bytes,
        max_files=limits.max_files,
    )
    samples = gr.HTML(
        _sample_buttons(desk.samples), js_on_load=_static("samples.js"), elem_id="samples", visible=bool(desk.samples)
    )
    status = gr.HTML(elem_id="status")
    with gr.Row(elem_id="work", elem_classes=["not-yet"]) as work:
        with gr.Column(scale=7, min_width=300, elem_id="stage"):
            compare = gr.ImageSlider(
                elem_id="compare",
                show_label=False,
                interactive=False,
                format="jpeg",
                buttons=["fullscreen"],
                max_height=640,
            )
        with gr.Column(scale=3, min_width=270, elem_id="controls"):
            chooser = _Chooser([], label="Picture", visible=False, elem_id="chooser", filterable=False)
            strength = gr.Slider(0, 200, 100, step=1, label="Strength (%)", elem_id="strength")
            # Gradio's own check refuses the whole event, an upload too, while somebody is typing in the number box.
            strength.preprocess = _percent  # type: ignore[method-assign]  # a subclass would write a .pyi file
            model = gr.Radio(
                choices(desk.sharpeners.names()), value=desk.sharpeners.default, label="Model", elem_id="model"
            )
            measured = MeasuredPanel()
            view = gr.Radio(
                [("Whole picture", WHOLE), ("A detail of it", DETAIL)],
                value=WHOLE,
                label="View",
                visible=False,
                elem_id="view",
            )
            download = gr.DownloadButton("Download", variant="primary", interactive=False, elem_id="download")
            run_all = gr.Button("Sharpen all", visible=False, elem_id="run-all")
            stop = gr.Button("Stop", visible=False, elem_id="stop")
            archive = gr.DownloadButton("Download ZIP", variant="primary", visible=False, elem_id="archive")
            report = gr.HTML(elem_id="report")

    def show(session, index, model_name, percent, view_kind, failures=(), told=None, offered=None):
        shown = session.show(index, Settings(model_name, _strength(percent), told or {}), view_kind)
        return {
            **measured.updates(index, shown, offered),
            compare: (str(shown.before), str(shown.after)),
            status: _changed(shown_line(shown, failures)),
            view: gr.update(value=view_kind, visible=shown.has_detail),
            download: gr.update(interactive=False, visible=True),  # out of date until on_pause() has run
        }

    def bring(session, failures, model_name, percent):
        names = [(name.name, index) for index, name in enumerate(session.entries)]
        many = len(names) > 1
        return {
            **show(session, 0, model_name, percent, WHOLE, failures),
            work: gr.update(elem_classes=[]),
            chooser: gr.update(choices=names, value=0, visible=many),
            run_all: gr.update(value=f"Sharpen all {len(names)}", visible=many, interactive=True),
            stop: gr.update(visible=False),
            archive: gr.update(visible=False),
            report: "",
        }

    def on_upload(model_name, percent, request: gr.Request, event: gr.EventData):
        session = session_of(request)
        return bring(session, session.take(_uploads(event)), model_name, percent)

    def on_sample(model_name, percent, request: gr.Request, event: gr.EventData):
        session = session_of(request)
        return bring(session, session.take_sample(event._data.get("index")), model_name, percent)

    def on_setting(index, model_name, percent, view_kind, offered, b, n, c, u, request: gr.Request):
        session, told = session_of(request), measured.told(index or 0, offered, b, n, c, u)
        return show(session, index or 0, model_name, percent, view_kind, told=told, offered=offered)

    def on_as_measured(index, model_name, percent, view_kind, request: gr.Request):
        return show(session_of(request), index or 0, model_name, percent, view_kind)

    def on_pause(request: gr.Request):
        settled = session_of(request).settle()
        if settled is None:
            return {download: gr.skip()}
        path, shown = settled.path, settled.shown
        label = f"Download {path.suffix[1:].upper()}, {size_text(path.stat().st_size)}"
        exact = {compare: (str(shown.before), str(shown.after)), status: _changed(shown_line(shown))} if shown else {}
        return {**exact, download: gr.update(value=str(path), label=label, interactive=True)}

    def on_run_all(index, model_name, percent, offered, b, n, c, u, request: gr.Request):
        session, told = session_of(request), measured.told(index or 0, offered, b, n, c, u)
        for step in session.run_all(Settings(model_name, _strength(percent), told)):
            if isinstance(step, Progress):
                yield {
                    report: progress_line(step),
                    run_all: gr.update(interactive=False),
                    stop: gr.update(visible=True),
                    archive: gr.update(visible=False),
                }
                continue
            size = size_text(step.archive.stat().st_size) if step.archive else ""
            yield {
                report: report_lines(step),
                run_all: gr.update(interactive=True),
                stop: gr.update(visible=False),
                archive: gr.update(
                    value=step.archive and str(step.archive), label=f"Download ZIP, {size}", visible=bool(size)
                ),
            }

    def on_stop(request: gr.Request):
        session_of(request).stop()

    newest = [compare, status, view, download, *measured.outputs]
    brought = [*newest, work, chooser, run_all, stop, archive, report]
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}  # page.js shows that it is busy
    place: dict[str, Any] = {
        "api_visibility": "private",
        "show_progress": "minimal",
    }  # who waits sees the place in line
    # one line for all visitors' pictures
    common: dict[str, Any] = {"concurrency_id": "sharpen", "show_progress_on": [status], **place}
    settings = [model, strength]
    first = entry.upload(_calmly(on_upload, status), settings, brought, trigger_mode="multiple", **common)
    sample = samples.select(_calmly(on_sample, status), settings, brought, trigger_mode="multiple", **common)
    # always_last: one event of a visitor is under way at a time, and when it ends the newest setting goes next
    broken = {compare: None, download: gr.update(interactive=False, visible=False)}
    setting = gr.on(
        [strength.change, *(part.input for part in (model, chooser, view, *measured.sliders.values()))],
        _calmly(on_setting, status, broken),
        [chooser, *settings, view, *measured.inputs],
        newest,
        trigger_mode="always_last",
        js=_BUSY,
        **common,
    )
    reset = measured.as_measured.click(
        _calmly(on_as_measured, status, broken),
        [chooser, *settings, view],
        newest,
        trigger_mode="always_last",
        js=_BUSY,
        **common,
    )
    for event in (first, sample, setting, reset):
        event.then(
            _calmly(on_pause, status),
            None,
            [compare, status, download],
            trigger_mode="multiple",
            concurrency_id="pause",  # these mostly wait
            concurrency_limit=16,
            **quiet,
        )
    run_all.click(
        _calmly(on_run_all, report, {run_all: gr.update(interactive=True), stop: gr.update(visible=False)}),
        [chooser, *settings, *measured.inputs],
        [report, run_all, stop, archive],
        concurrency_id="batch",
        concurrency_limit=2,
        show_progress_on=[report],
        **place,
    )
    stop.click(on_stop, None, None, queue=False, **quiet)


def _calmly(callback, line, after_an_error=None):
    """The callback; what goes wrong is one sentence in line, and a traceback in the terminal when it is our fault.

    after_an_error: updates of other components then.
    """

    def sentence(error):
        if isinstance(error, WhetstoneError):
            return {line: _changed(broken_line(str(error))), **(after_an_error or {})}
        traceback.print_exception(error, file=sys.stderr)
        words = "something went wrong here; the window that Whetstone was started in says what"
        return {line: _changed(broken_line(words)), **(after_an_error or {})}

    if inspect.isgeneratorfunction(callback):

        @functools.wraps(callback)
        def calm_steps(*args, **kwargs):
            try:
                yield from callback(*args, **kwargs)
            except Exception as error:
                yield sentence(error)

        return calm_steps

    @functools.wraps(callback)
    def calm(*args, **kwargs):
        try:
            return callback(*args, **kwargs)
        except Exception as error:
            return sentence(error)

    return calm


def _changed(text):
    """The text, unlike the one before even when it says the same: the page takes a change for the end of the work."""
    return f'<div data-change="{next(_changes)}">{text}</div>'


def _percent(value):
    """What the strength's number box holds as a number from 0 to 200: an empty box is 100, what is outside the nearest.

    What is no number stays as it is: _strength() says so.
    """
    if value is None or value == "":
        return 100
    try:
        return min(max(float(value), 0), 200)
    except (TypeError, ValueError):
        return value


def _strength(percent):
    try:
        return float(percent) / 100
    except (TypeError, ValueError):
        raise BadSetting(f"strength must be a number from 0 to 200 %, not {str(percent)[:20]!r}") from None


def _uploads(event):
    """The Uploads that a browser's event names; the door has made sure that the files were uploaded here."""
    files = event._data.get("files") if isinstance(event._data, dict) else None
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise BadSetting("the event names no files; reload the page")
    return [Upload(str(file.get("path", "")), str(file.get("name", ""))) for file in files]


def _sample_buttons(paths):
    """One button a sample picture, its thumbnail inside, so that the page needs no further request for them."""
    from PIL import Image

    buttons = []
    for index, path in enumerate(paths):
        with Image.open(path) as image:
            image.draft("RGB", _THUMBNAIL)
            thumbnail = image.convert("RGB")
        thumbnail.thumbnail(_THUMBNAIL)
        content = io.BytesIO()
        thumbnail.save(content, "JPEG", quality=80)
        data = base64.b64encode(content.getvalue()).decode()
        words = html.escape(path.stem.removesuffix("-soft").replace("-", " ").replace("_", " "))
        width, height = thumbnail.width // 2, thumbnail.height // 2
        buttons.append(
            f'<button type="button" data-sample="{index}" aria-label="Sample picture: {words}" title="{words}">'
            f'<img src="data:image/jpeg;base64,{data}" width="{width}" height="{height}" alt=""></button>'
        )
    return f'<div class="samples"><span>Or try a sample:</span>{"".join(buttons)}</div>'


def _static(name):
    return (STATIC / name).read_text(encoding="utf-8")
