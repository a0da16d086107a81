"""Settings, paths and entry points. Imported by nobody."""
