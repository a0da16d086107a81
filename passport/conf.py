"""Settings of this app, read in one place; functions take them as parameters."""
