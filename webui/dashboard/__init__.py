"""The dashboard (`python launch.py dashboard`): reads what the other commands left in folders, and changes nothing."""
