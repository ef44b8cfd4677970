"""Loaders, generators and measured comparisons; start with ``run.py``."""
