"""Whetstone's distillation lab: degradations, data, losses, metrics, training and evaluation of students."""
