"""Collects this app's record pages for the console."""

from passport.safety import records

__all__ = ["records"]
