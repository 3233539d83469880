"""The API reference: how `python launch.py docs` makes it, and the templates that it adds to pdoc's."""
