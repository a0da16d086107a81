"""Collects this app's jobs: importing a module registers what it declares."""

import attestation.evidence.timers
import attestation.inbox.apply
import attestation.inbox.reconcile
import attestation.simulators.sandbox.deliveries
import attestation.simulators.sandbox.sessions  # noqa: F401
