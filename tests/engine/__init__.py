"""Tests of the engine: pictures in, sharper pictures out."""
