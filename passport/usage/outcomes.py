"""How a call at a service ended: the words on the wire, in the tables and on the pages."""

from typing import Final

OUTCOMES: Final = ("allowed", "failed", "over_limit", "lacks_scope", "restricted", "bad_proof", "other")
"""``failed``: let through, and the service itself could not answer. Those after it: refused."""
REFUSED: Final = OUTCOMES[2:]
