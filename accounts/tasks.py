"""Collects this app's jobs: importing a module registers what it declares."""

from accounts.linkage import tasks as linkage
from accounts.people import post

__all__ = ["linkage", "post"]
