"""System checks of this app: bad settings stop the start."""
