"""The README.md of the static Space: the front matter that Hugging Face reads, and a few words for visitors."""

from webui.static_page import ISOLATION

_FRONT_MATTER = """---
title: Whetstone
emoji: 🔎
colorFrom: gray
colorTo: green
sdk: static
app_file: index.html
pinned: false
license: apache-2.0
short_description: Sharpens pictures and your camera in your own browser
tags:
  - image-restoration
  - deblurring
  - onnxruntime-web
custom_headers:
{headers}
---
"""

_TEXT = """
# Whetstone

Makes soft and blurry pictures sharp, in the visitor's own browser: pictures and camera never leave the device. The
students have 23 and 56 thousand weights; they measure the blur first and are mixed for it. ONNX Runtime Web runs them,
by WebGPU where there is one, else by WebAssembly.

This folder was written by `python launch.py space --static OUT`; any static host can serve it. WebAssembly has more
than one thread where the host sends the headers above.
"""


def readme():
    """The README.md as text, of lines that end with a newline."""
    # Hugging Face shows a Space inside its own page, which is another origin
    values = {**ISOLATION, "cross-origin-resource-policy": "cross-origin"}
    headers = "\n".join(f"  {name}: {value}" for name, value in values.items())
    return _FRONT_MATTER.format(headers=headers) + _TEXT
