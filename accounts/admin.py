"""Collects this app's record pages for the console."""
