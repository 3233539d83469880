"""Commands of the study."""
