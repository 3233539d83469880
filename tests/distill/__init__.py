"""Tests of distill: recipes, data, losses, metrics, training and evaluation, on small pictures made here."""
