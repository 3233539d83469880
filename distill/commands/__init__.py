"""The commands of the lab: data, train, ablate, figures, evaluate."""
