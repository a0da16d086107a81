"""Collects this app's jobs: importing a module registers what it declares."""
