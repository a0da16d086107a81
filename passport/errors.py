"""Refusals that a caller may read, one class for each registered code."""
