"""Whetstone's web page: a Gradio page on this machine; importing the package imports the standard library alone."""
