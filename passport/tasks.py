"""Collects this app's jobs: importing a module registers what it declares."""

import passport.admission.database
import passport.admission.mode
import passport.agents.fetched_keys
import passport.api.kept_answers
import passport.consents.devices
import passport.consents.sweep
import passport.consents.unused
import passport.events.ssf.pausing
import passport.events.ssf.push
import passport.events.ssf.reader
import passport.events.webhooks.limits
import passport.events.webhooks.reader
import passport.events.webhooks.send
import passport.exchange.drain
import passport.restrictions.publish
import passport.restrictions.rounds
import passport.revocation.quarantine
import passport.revocation.responses
import passport.revocation.run
import passport.revocation.undo
import passport.services.key_registration
import passport.signing.tasks
import passport.usage.retention
import passport.usage.rollup  # noqa: F401
