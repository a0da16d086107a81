"""Collects this app's jobs: importing a module registers what it declares."""

import passport.restrictions.publish
import passport.restrictions.rounds  # noqa: F401
