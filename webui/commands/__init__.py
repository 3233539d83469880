"""The commands that start a server: the page, a study for volunteers, the dashboard."""
