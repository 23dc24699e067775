"""Runs every part of the console on one machine: `manage.py up`, `stop`, `status` and `reset`."""
