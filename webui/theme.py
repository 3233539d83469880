"""The page's look: stone greys and one teal accent on Gradio's base theme, and the fonts of the system."""

from pathlib import Path

STATIC = Path(__file__).resolve().parent / "static"
FAVICON = STATIC / "favicon.png"
_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Helvetica Neue", "Arial", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "Liberation Mono", "monospace")


def theme():
    """The Gradio theme. Contrast of text on its ground is at least 4.5 in both modes (measured by a browser test)."""
    import gradio as gr

    return gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        secondary_hue=gr.themes.colors.stone,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_md,
        font=list(_FONTS),
        font_mono=list(_MONO),
    ).set(
        body_background_fill="#f6f5f3",
        body_background_fill_dark="#171614",
        body_text_color="#1c1b19",
        body_text_color_dark="#ebe9e6",
        body_text_color_subdued="#57534e",
        body_text_color_subdued_dark="#b5b0aa",
        block_background_fill="#ffffff",
        block_background_fill_dark="#211f1d",
        block_border_color="#e3e0dc",
        block_border_color_dark="#3a3734",
        block_border_width="1px",
        block_shadow="none",
        block_label_text_color="#57534e",
        block_label_text_color_dark="#b5b0aa",
        block_title_text_color="#1c1b19",
        block_title_text_color_dark="#ebe9e6",
        block_title_text_weight="600",
        border_color_primary="#d6d3d0",
        border_color_primary_dark="#4a4641",
        color_accent="#0f766e",
        link_text_color="#0f766e",
        link_text_color_dark="#5eead4",
        slider_color="#0f766e",
        slider_color_dark="#2dd4bf",
        button_primary_background_fill="#0f766e",
        button_primary_background_fill_hover="#115e59",
        button_primary_background_fill_dark="#2dd4bf",
        button_primary_background_fill_hover_dark="#5eead4",
        button_primary_border_color="#0f766e",
        button_primary_border_color_dark="#2dd4bf",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#10211f",
        button_secondary_background_fill="#ffffff",
        button_secondary_background_fill_hover="#f1efec",
        button_secondary_background_fill_dark="#2c2927",
        button_secondary_background_fill_hover_dark="#383431",
        button_secondary_border_color="#cfcbc6",
        button_secondary_border_color_dark="#55504b",
        button_secondary_text_color="#1c1b19",
        button_secondary_text_color_dark="#ebe9e6",
        panel_background_fill="transparent",
        panel_background_fill_dark="transparent",
        panel_border_width="0px",
        input_border_width="1px",
        input_border_width_dark="1px",
        input_background_fill="#ffffff",
        input_background_fill_dark="#1b1a18",
        input_border_color="#cfcbc6",
        input_border_color_dark="#55504b",
        checkbox_background_color_selected="#0f766e",
        checkbox_background_color_selected_dark="#2dd4bf",
        checkbox_border_color_selected="#0f766e",
        checkbox_border_color_selected_dark="#2dd4bf",
        checkbox_label_background_fill="transparent",
        checkbox_label_background_fill_dark="transparent",
        checkbox_label_background_fill_hover="#f1efec",
        checkbox_label_background_fill_hover_dark="#2c2927",
        checkbox_label_background_fill_selected="#e6f4f1",
        checkbox_label_background_fill_selected_dark="#163431",
        checkbox_label_border_color="#d6d3d0",
        checkbox_label_border_color_dark="#4a4641",
        checkbox_label_border_color_selected="#0f766e",
        checkbox_label_border_color_selected_dark="#2dd4bf",
        checkbox_label_text_color_selected="#1c1b19",
        checkbox_label_text_color_selected_dark="#ebe9e6",
    )


def style_sheet():
    """The page's CSS."""
    return "\n".join((STATIC / name).read_text(encoding="utf-8") for name in ("page.css", "live.css"))


def script():
    """Run once when the page is loaded: a JavaScript function."""
    return (STATIC / "page.js").read_text(encoding="utf-8")


def mark():
    """The product's sign, inline SVG."""
    return (STATIC / "mark.svg").read_text(encoding="utf-8")
