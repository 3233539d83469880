"""Whetstone's tests, one folder a package; `python launch.py test` runs them."""
