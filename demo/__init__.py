"""The whole story, told against a running server through its public doors: ``make demo``."""
