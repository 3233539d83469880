"""The blind study: plan, session, store, screening, statistics, report; it knows no web framework and runs no model."""
