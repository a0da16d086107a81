"""Overlapping batches, undo of all and of one, ends, exclusion, lifting: the server equals a model."""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from foundation.jobs.outbox import run_due
from passport.events.denied import denied_agents
from passport.fields import Effect
from passport.protocol import VALID
from passport.restrictions.effective import Placed, is_good, own, strongest
from passport.restrictions.models import Restriction
from passport.restrictions.place import expire, lift, place
from passport.restrictions.publish import compare, publish
from passport.restrictions.subjects import ENVIRONMENTS, Subject, SubjectRef, account_states
from passport.revocation.approve import approve
from passport.revocation.preview import exclude, make_preview, record_view
from passport.revocation.run import start
from passport.revocation.steps import create_batch
from passport.revocation.undo import undo
from passport.standing.read import find_by_passport
from passport.status.encode import get_value
from passport.status.models import StatusList
from tests.passport.population import NOON, agent, household, key, passport, signing_keys
from tests.passport.revocation.hydra import ANALYST, cluster

EXAMPLES = int(os.environ.get("AP_STATE_EXAMPLES", "20"))
NAMES = ("ann", "ben", "cy")
names = st.sampled_from(NAMES)
effects = st.sampled_from([Effect.THROTTLE, Effect.SUSPEND, Effect.REVOKE])
environments = st.sampled_from(ENVIRONMENTS)


@dataclass
class Expected:
    """One restriction as the model knows it."""

    subject: str
    effect: Effect
    environment: str = ""
    """Empty: in both."""
    ends_at: datetime | None = None
    batch: str = ""
    account: str = ""
    lifted: bool = False
    pk: int = 0

    def placed(self, now: datetime) -> Placed:
        return Placed(self.effect, ends_at=self.ends_at, lifted_at=now if self.lifted else None)


class Restricting(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        signing_keys()
        self.passports = {("sandbox", name): household(name) for name in NAMES}
        for name in NAMES:
            other = agent(self.passports["sandbox", name].account, f"{name}_live", environment="live")
            self.passports["live", name] = passport(other, key(other))
        cluster("all", *[f"acc_{name}" for name in NAMES])
        publish()
        self.now = NOON
        self.expected: list[Expected] = []
        self.batches: dict[str, bool] = {}

    @rule(name=names, effect=effects, environment=environments)
    def revoke_a_passport_or_account(self, name: str, effect: Effect, environment: str) -> None:
        kind = Subject.ACCOUNT if effect == Effect.THROTTLE else Subject.PASSPORT
        subject = f"acc_{name}" if kind == Subject.ACCOUNT else self.passports[environment, name].jti
        self._place(kind, subject, name, effect, None)

    @rule(name=names, hours=st.integers(1, 3))
    def suspend_for_a_while(self, name: str, hours: int) -> None:
        ends_at = self.now + timedelta(hours=hours)
        self._place(Subject.ACCOUNT, f"acc_{name}", name, Effect.SUSPEND, ends_at)

    def _place(
        self, kind: Subject, subject: str, name: str, effect: Effect, ends_at: datetime | None
    ) -> None:
        ref = SubjectRef(kind, subject, f"acc_{name}")
        place([ref], effect=effect, reason="x", actor=ANALYST, now=self.now, ends_at=ends_at)
        pk = Restriction.objects.latest("pk").pk
        self.expected.append(Expected(subject, effect, ends_at=ends_at, account=f"acc_{name}", pk=pk))

    @precondition(lambda self: any(not one.batch and not one.lifted for one in self.expected))
    @rule(data=st.data())
    def lift_one(self, data: st.DataObject) -> None:
        standing = [one for one in self.expected if not one.batch and not one.lifted]
        chosen = data.draw(st.sampled_from(standing))
        lift([chosen.pk], actor=ANALYST, now=self.now, reason="x")
        chosen.lifted = True

    @rule(
        left_out=st.sets(names, max_size=2),
        effect=st.sampled_from([Effect.SUSPEND, Effect.REVOKE]),
        environment=environments,
    )
    def run_a_batch(self, left_out: set[str], effect: Effect, environment: str) -> None:
        batch = create_batch(
            environment=environment, chosen_by="cluster", chosen_from="clu_all", reason="x", actor=ANALYST,
            now=self.now, effect=effect,
        )  # fmt: skip
        make_preview(batch.pk, actor=ANALYST, now=self.now)
        for name in left_out:
            exclude(batch.pk, f"acc_{name}", "innocent", actor=ANALYST, now=self.now)
        # Two people are the business of test_approve: this model keeps below their threshold.
        if sum(len(NAMES) for _ in self.batches) > 18:
            return
        approve(batch.pk, ANALYST, record_view(batch.pk, ANALYST, now=self.now), now=self.now)
        start(batch.pk, ANALYST, now=self.now)
        run_due()
        self.batches[batch.pk] = False
        self.expected += [
            Expected(f"acc_{name}", effect, environment, batch=batch.pk, account=f"acc_{name}")
            for name in NAMES
            if name not in left_out
        ]

    @precondition(lambda self: not all(self.batches.values()))
    @rule(data=st.data())
    def undo_a_batch(self, data: st.DataObject) -> None:
        chosen = data.draw(st.sampled_from([pk for pk, over in self.batches.items() if not over]))
        undo(chosen, ANALYST, "mistake", now=self.now)
        run_due()
        self.batches[chosen] = True
        self._forget(chosen, None)

    @precondition(lambda self: any(one.batch and not one.lifted for one in self.expected))
    @rule(data=st.data())
    def undo_one_member(self, data: st.DataObject) -> None:
        chosen = data.draw(st.sampled_from([one for one in self.expected if one.batch and not one.lifted]))
        undo(chosen.batch, ANALYST, "innocent", [chosen.account], now=self.now)
        run_due()
        self._forget(chosen.batch, chosen.account)
        if all(one.lifted for one in self.expected if one.batch == chosen.batch):
            self.batches[chosen.batch] = True

    def _forget(self, batch: str, account: str | None) -> None:
        for one in self.expected:
            if one.batch == batch and account in {None, one.account}:
                one.lifted = True

    @rule(hours=st.integers(1, 2))
    def time_goes_by(self, hours: int) -> None:
        # Well within the undo window, however often.
        self.now = min(self.now + timedelta(hours=hours), NOON + timedelta(hours=20))
        expire(self.now)
        for one in self.expected:
            if one.ends_at is not None and one.ends_at <= self.now:
                one.lifted = True

    @invariant()
    def the_server_says_what_the_model_says(self) -> None:
        publish()
        denied = denied_agents()
        for (environment, name), living in self.passports.items():
            account = own(
                [
                    one.placed(self.now)
                    for one in self.expected
                    if one.subject == f"acc_{name}" and one.environment in {"", environment}
                ],
                self.now,
            )
            single = own(
                [one.placed(self.now) for one in self.expected if one.subject == living.jti], self.now
            )
            held = account_states(environment).filter(pk=f"acc_{name}").first()
            living.refresh_from_db()
            assert (held.there if held else 0) == account.effect
            assert (living.agent.client_id in denied) == (not is_good(account.effect))
            standing = find_by_passport(living.jti, audience="")
            assert standing is not None
            assert standing.account_effect == account.effect
            assert living.effect == single.effect
            content = bytes(StatusList.objects.get(number=living.status_list_id).content)
            good = is_good(strongest([account.effect, single.effect]))
            assert (get_value(content, 2, living.status_index) == VALID) == good

    def teardown(self) -> None:
        assert compare(1, self.now) == 0


class TestRestricting(TestCase):
    @pytest.mark.django_db
    def test_in_any_order_the_server_says_what_the_model_says(self) -> None:
        examples = settings(
            max_examples=EXAMPLES, stateful_step_count=10, deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        )  # fmt: skip

        class Machine(Restricting):
            """Each example in a transaction of its own that is rolled back."""

            def __init__(self) -> None:
                self.atomic = transaction.atomic()
                self.atomic.__enter__()
                super().__init__()

            def teardown(self) -> None:
                super().teardown()
                transaction.set_rollback(True)
                self.atomic.__exit__(None, None, None)

        run_state_machine_as_test(Machine, settings=examples)
