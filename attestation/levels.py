"""The ladders of identity and payment, and whether a level is enough (pure)."""
