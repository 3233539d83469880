"""Tests of launch.py and environment.py: real pip, real virtual environments, small packages made here."""
