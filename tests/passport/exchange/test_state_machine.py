"""Issue, exchange, delegate, consent, rotate, leak, restrict, lift, revoke, withdraw, expire: server equals model.

At every step the tokens that introspection takes, those that a service with our SDK takes, and
those of the model are the same, and no token is wider than the one it came from.
"""

import hashlib
import os
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.people.models import User
from agent_passport import MemoryReplay, Verified, Verifier
from foundation import clock as the_clock
from passport.acting.rules import allow_agent
from passport.admission.mode import microseconds
from passport.agents.clients import find_client
from passport.agents.keys import parse_public_jwk
from passport.agents.models import AgentKey
from passport.agents.registration import add_key, retire_key
from passport.consents.end import end_consent
from passport.consents.give import Wanted, give_code
from passport.consents.models import AuthorizationCode
from passport.consents.secrets import digest_of
from passport.credentials.models import RevokedToken
from passport.events.denied import denied_agents
from passport.exchange.details import narrow_details, read_details
from passport.exchange.presented import checked
from passport.fields import Effect
from passport.limits.models import LimitPolicy
from passport.oauth.introspection import introspection_of
from passport.protocol import ACCESS_TOKEN_TYPE, PASSPORT_TYPE
from passport.restrictions.leaked_keys import publish_withdrawal, withdraw
from passport.restrictions.models import Restriction
from passport.restrictions.place import SubjectRef, lift, place
from passport.restrictions.publish import publish_aging
from passport.services.models import AgentGrant
from passport.signing import keys
from passport.status.models import StatusList
from tests.cast import (
    EMBED,
    INFER,
    ISSUER,
    MODEL,
    SEARCH,
    Actor,
    Key,
    TokenEndpoint,
    claims_of,
    encode,
    grant,
    header_of,
    hire,
    open_account,
    open_service,
)
from tests.conftest import Clock, begin_admission
from tests.passport import signing_keys
from tests.passport.oauth.consenting import CHALLENGE, REDIRECT, Tokens, let_ask

EXAMPLES = int(os.environ.get("AP_STATE_EXAMPLES", "3"))
"""`make soak` takes more, and more steps each."""
STEPS = 12 if EXAMPLES <= 3 else 40
MOST_TOKENS = 10
"""Each is looked at after each step."""
STAFF, OWNER = "user:usr_staff", "user:usr_alice"
NAMES = ("root", "sub", "leaf")
MAY_ACT = {("root", "sub"), ("sub", "leaf"), ("root", "leaf")}
SKEW = 30
"""A service goes on for so long after ``exp``: its clock may be behind ours."""
AT = {MODEL: frozenset({INFER, EMBED}), SEARCH: frozenset({INFER})}
AGREED = frozenset({INFER, EMBED})
"""What a person lets the root do, at both services."""
SPENDS = {MODEL: "100", SEARCH: "40"}
names, places = st.sampled_from(NAMES), st.sampled_from([MODEL, SEARCH])


@dataclass
class Held:
    """A passport or an access token, as the model knows it."""

    token: str = field(repr=False)
    root: "Held | None" = field(repr=False)
    """The passport that a token came from; None for a passport, and for a person's token."""
    agent: str
    key: Key = field(repr=False)
    """The one it is bound to."""
    chain: tuple[str, ...] = ()
    parent: "Held | None" = field(default=None, repr=False)
    consent: str = ""
    """The person's, where that is the root."""
    revoked: bool = False
    claims: dict[str, Any] = field(init=False, repr=False)
    kid: str = field(init=False)

    def __post_init__(self) -> None:
        self.claims = claims_of(self.token)
        self.kid = header_of(self.token)["kid"]

    @property
    def parties(self) -> set[str]:
        return {self.agent, *self.chain}

    @property
    def holder(self) -> str:
        return self.chain[0] if self.chain else self.agent

    def offered(self, audience: str) -> frozenset[str]:
        """The scopes that it could have there at best."""
        return (AGREED if self.consent else AT[audience]) & set(self.claims["scope"].split())


class IssuerInProcess(httpx.BaseTransport):
    """The network between a service and us: our keys and our lists, as they are published."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path
        if name.startswith("/status/"):
            held = StatusList.objects.get(number=int(name.rpartition("/")[2]))
            return httpx.Response(200, content=held.token.encode())
        assert name == "/.well-known/jwks.json", name
        return httpx.Response(200, json=keys.jwks())


class Delegating(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.patches = [
            patch.object(the_clock, "now", self.clock.now),
            patch.object(the_clock, "now_us", lambda: microseconds(self.clock.moment)),
        ]
        for one in self.patches:
            one.start()
        begin_admission(self.clock.now() - timedelta(days=1))
        signing_keys.install()
        checked.clear()
        self.passports: list[Held] = []
        self.tokens: list[Held] = []
        self.restricted: dict[str, int] = {}
        self.leaked: set[str] = set()
        self.retired: set[str] = set()
        """Thumbprints of agents' keys."""
        self.withdrawn: set[str] = set()

    @initialize()
    def set_up(self) -> None:
        self.endpoint = TokenEndpoint(Client())
        account = open_account("alice")
        services = {place: open_service(place)[0] for place in AT}
        self.services = services
        self.actors: dict[str, Actor] = {name: hire(account, name) for name in NAMES}
        for actor in self.actors.values():
            for audience, scopes in AT.items():
                grant(actor, services[audience], *scopes)
        for audience, amount in SPENDS.items():
            details = [{"type": "spend", "currency": "EUR", "amount": amount, "period": "day"}]
            AgentGrant.objects.filter(service=services[audience]).update(authorization_details=details)
        for holder, actor in MAY_ACT:
            now = self.clock.now()
            allow_agent(self.actors[holder].agent, self.actors[actor].agent, by=OWNER, now=now)
        let_ask(self.actors["root"])
        self.dora = User.objects.create(email="dora@people.example")
        for level in ("credential", "account"):
            LimitPolicy.objects.create(
                service=None, scope="token", name="agent" if level == "credential" else level,
                applies_to=level, quota=100_000, window_seconds=60, burst=100_000,
            )  # fmt: skip
        for name in NAMES:
            self._issue(name)
        self._exchange(self.passports[0], MODEL, None)

    # What the model says.

    def is_restricted(self, *subjects: str) -> bool:
        return any(self.restricted.get(subject, 0) for subject in subjects)

    def key_counts(self, key: Key) -> bool:
        return key.thumbprint not in self.retired and not self.is_restricted(key.thumbprint)

    def is_good(self, held: Held) -> bool:
        """At the issuer, but for its end."""
        return self.is_good_offline(held) and self.key_counts(held.key)

    def is_good_offline(self, held: Held) -> bool:
        """Where lists and the feed are heard: they tell of the root's key, and of no other."""
        if self.is_restricted("account", *held.parties) or held.revoked or held.kid in self.leaked:
            return False
        if held.consent:
            return held.consent not in self.withdrawn
        root = held.root or held
        return root.kid not in self.leaked and not self.is_restricted(root.claims["jti"], root.key.thumbprint)

    def is_alive(self, held: Held, skew: int = 0) -> bool:
        return int(self.clock.now().timestamp()) < held.claims["exp"] + skew

    def may_be_exchanged(self, held: Held) -> bool:
        return self.is_good(held) and held.claims["exp"] - self.clock.now().timestamp() >= 5

    def has_room(self) -> bool:
        return len(self.tokens) < MOST_TOKENS

    # What is done.

    @rule(name=names)
    def issue(self, name: str) -> None:
        self._issue(name)

    def _issue(self, name: str) -> None:
        actor = self.actors[name]
        answer = self.endpoint.passport(actor)
        expected = not self.is_restricted("account", name) and self.key_counts(actor.key)
        assert (answer.status_code == 200) == expected, answer.content
        if expected:
            self.passports.append(Held(answer.json()["access_token"], None, name, actor.key))

    @precondition(lambda self: self.passports and self.has_room())
    @rule(data=st.data(), audience=places)
    def exchange(self, data: st.DataObject, audience: str) -> None:
        passport = self._one_of(data, self.passports)
        self._exchange(passport, audience, self._some_scopes(data, AT[audience]))

    def _exchange(self, passport: Held, audience: str, asked: str | None) -> None:
        answer = self.endpoint.exchange(passport.token, scope=asked, key=passport.key, resource=audience)
        assert (answer.status_code == 200) == self.may_be_exchanged(passport), answer.content
        if answer.status_code == 200:
            token = answer.json()["access_token"]
            self.tokens.append(Held(token, passport, passport.agent, passport.key, parent=passport))

    @precondition(has_room)
    @rule()
    def a_person_lets_the_root_act(self) -> None:
        actor, now = self.actors["root"], self.clock.now()
        client = find_client(actor.id)
        assert client is not None
        wanted = Wanted(client, list(AT), AGREED, REDIRECT)
        code = give_code(
            self.dora.pk, wanted, code_challenge=CHALLENGE, thumbprint="", redirect_was_sent=True, now=now
        )
        answer = Tokens(self.endpoint, actor).redeem(code, proof=actor.key.proof(), resource=MODEL)
        expected = not self.is_restricted("account", "root") and self.key_counts(actor.key)
        assert (answer.status_code == 200) == expected, answer.content
        if expected:
            consent = AuthorizationCode.objects.get(code=digest_of(code)).consent_id
            token = answer.json()["access_token"]
            self.tokens.append(Held(token, None, "root", actor.key, ("root",), consent=consent))

    @precondition(lambda self: any(held.consent for held in self.tokens))
    @rule(data=st.data())
    def a_person_withdraws(self, data: st.DataObject) -> None:
        consent = data.draw(st.sampled_from(sorted({held.consent for held in self.tokens if held.consent})))
        end_consent(consent, reason="withdrawn", actor=f"user:{self.dora.pk}", now=self.clock.now())
        self.withdrawn.add(consent)

    @precondition(lambda self: self.tokens and self.has_room())
    @rule(data=st.data(), audience=places)
    def narrow(self, data: st.DataObject, audience: str) -> None:
        held = self._one_of(data, self.tokens)
        self._exchange_token(data, held, audience, held.chain, held.key)

    @precondition(lambda self: self.tokens and self.passports and self.has_room())
    @rule(data=st.data(), audience=places)
    def delegate(self, data: st.DataObject, audience: str) -> None:
        held = self._one_of(data, self.tokens)
        others = [one for one in self.passports if one.agent != held.agent]
        shown = self._one_of(data, others or self.passports)
        known = (held.holder, shown.agent) in MAY_ACT and shown.agent not in held.parties
        self._exchange_token(
            data, held, audience, (shown.agent, *held.chain), shown.key,
            allowed=known and self.is_good(shown) and self.is_alive(shown),
            actor_token=shown.token, actor_token_type=PASSPORT_TYPE,
        )  # fmt: skip

    def _exchange_token(
        self, data: st.DataObject, held: Held, audience: str, chain: tuple[str, ...], key: Key,
        *, allowed: bool = True, **more: Any,
    ) -> None:  # fmt: skip
        asked = self._some_scopes(data, AT[audience])
        offered = held.offered(audience)
        answer = self.endpoint.exchange(
            held.token, subject_token_type=ACCESS_TOKEN_TYPE, resource=audience, scope=asked, key=key, **more
        )
        fits = set((asked or "").split()) <= offered and bool(offered)
        expected = allowed and fits and self.may_be_exchanged(held)
        assert (answer.status_code == 200) == expected, answer.content
        if expected:
            token = answer.json()["access_token"]
            self.tokens.append(
                Held(token, held.root, held.agent, key, chain, parent=held, consent=held.consent)
            )

    def _one_of(self, data: st.DataObject, many: list[Held]) -> Held:
        """Mostly one that is good: what is over is refused in few ways."""
        good = [held for held in many if self.is_good(held) and self.is_alive(held, -5)]
        return data.draw(st.sampled_from([*many, *good * 8]))

    def _some_scopes(self, data: st.DataObject, offered: frozenset[str]) -> str | None:
        chosen = data.draw(st.sets(st.sampled_from(sorted(offered))))
        return " ".join(sorted(chosen)) or None

    @rule(leaked=st.sampled_from([False, False, False, True]))
    def change_the_signing_key(self, leaked: bool) -> None:
        kid = keys.active().kid
        if leaked and not self.leaked:
            withdraw(kid, actor=STAFF, now=self.clock.now())
            publish_withdrawal(kid, issuer=ISSUER, now=self.clock.now())
            self.leaked.add(kid)
        else:
            keys.rotate(actor=STAFF, now=self.clock.now(), immediately=True)

    @rule(name=names)
    def change_an_agents_key(self, name: str) -> None:
        """The next beside the old, then the old one ends."""
        actor, following, now = self.actors[name], Key(), self.clock.now()
        add_key(actor.agent, parse_public_jwk(following.jwk), actor=OWNER, now=now)
        retire_key(actor.row, actor=OWNER, now=now)
        self.retired.add(actor.key.thumbprint)
        self.actors[name] = replace(actor, key=following)

    @precondition(lambda self: sum(map(bool, self.restricted.values())) < 2)
    @rule(data=st.data())
    def restrict(self, data: st.DataObject) -> None:
        subjects = ["account", *NAMES, *(held.claims["jti"] for held in self.passports)]
        subjects += [actor.key.thumbprint for actor in self.actors.values()]
        subject = data.draw(st.sampled_from([one for one in subjects if not self.is_restricted(one)] or [""]))
        if not subject:
            return
        place(
            [self._reference(subject)], effect=Effect.SUSPEND, reason="x", actor=STAFF, now=self.clock.now()
        )
        self.restricted[subject] = Restriction.objects.latest("pk").pk

    def _reference(self, subject: str) -> SubjectRef:
        account = self.actors["root"].account.id
        if subject == "account":
            return SubjectRef("account", account, account)
        if subject in NAMES:
            return SubjectRef("agent", self.actors[subject].id, account)
        if any(subject == held.claims["jti"] for held in self.passports):
            return SubjectRef("passport", subject, account)
        return SubjectRef("key", AgentKey.objects.get(thumbprint=subject).pk, account)

    @precondition(lambda self: any(self.restricted.values()))
    @rule(data=st.data())
    def lift_one(self, data: st.DataObject) -> None:
        subject = data.draw(st.sampled_from([one for one, pk in self.restricted.items() if pk]))
        lift([self.restricted[subject]], actor=STAFF, now=self.clock.now(), reason="x")
        self.restricted[subject] = 0

    @precondition(lambda self: self.tokens)
    @rule(data=st.data())
    def revoke_a_token(self, data: st.DataObject) -> None:
        held = data.draw(st.sampled_from(self.tokens))
        actor = self.actors[held.holder]
        if self.is_restricted("account", held.holder) or not self.key_counts(actor.key):
            return
        answer = self._revoke(held)
        assert answer.status_code == 200, answer.content
        held.revoked = held.revoked or (self.is_alive(held) and held.kid not in self.leaked)

    def _revoke(self, held: Held) -> Any:
        form = httpx.QueryParams({"token": held.token, **self.actors[held.holder].authenticated()})
        return self.endpoint.client.post(
            "/oauth/revoke", str(form), content_type="application/x-www-form-urlencoded"
        )

    @rule(seconds=st.sampled_from([5, 20, 60, 290, 290, 31 * 86_400]))
    def time_goes_by(self, seconds: int) -> None:
        """The longest ends every passport and token; consents live on."""
        self.clock.forward(seconds=seconds)

    # What must hold.

    @invariant()
    def server_service_and_model_take_the_same_tokens(self) -> None:
        publish_aging()
        for audience in AT if self.tokens else ():
            verifier = self._verifier(audience)
            for held in self.tokens:
                if held.claims["aud"] != audience:
                    continue
                good = self.is_good(held)
                state = introspection_of(held.token, self.services[audience], self.clock.now())
                assert state["active"] == (good and self.is_alive(held)), (held, state)
                offline = self.is_good_offline(held) and self.is_alive(held, SKEW)
                assert self._is_taken(verifier, held, audience) == offline, held

    def _verifier(self, audience: str) -> Verifier:
        """One that just began and has heard the feed to its end."""
        moment = self.clock.now().timestamp()
        replay = MemoryReplay()
        replay.complete_since = None
        made = Verifier(
            ISSUER, audience, replay=replay, limits=False, clock=lambda: moment, monotonic=lambda: moment
        )  # fmt: skip
        made._pid = os.getpid()  # No threads: they would read outside this transaction.
        made._client.__dict__["_http"] = httpx.Client(transport=IssuerInProcess())
        made._standing.denied = frozenset(denied_agents())
        made._standing.revoked_tokens = dict.fromkeys(
            RevokedToken.objects.values_list("jti", flat=True), 2**40
        )
        return made

    def _is_taken(self, verifier: Verifier, held: Held, audience: str) -> bool:
        proof = held.key.proof(method="GET", url=f"{audience}/work", ath=hash_of(held.token))
        headers = [("Authorization", f"DPoP {held.token}"), ("DPoP", proof)]
        return isinstance(verifier.check("GET", "/work", headers), Verified)

    @invariant()
    def no_token_is_wider_than_the_one_it_came_from(self) -> None:
        for held in self.tokens:
            assert held.claims["cnf"]["jkt"] == held.key.thumbprint
            assert chain_of(held.claims) == tuple(self.actors[name].id for name in held.chain)
            if held.parent is not None:
                is_no_wider(held, held.parent)

    def teardown(self) -> None:
        for one in self.patches:
            one.stop()
        keys.forget()
        checked.clear()


def is_no_wider(held: Held, parent: Held) -> None:
    mine, theirs = held.claims, parent.claims
    assert set(mine["scope"].split()) <= set(theirs["scope"].split())
    assert mine["exp"] <= theirs["exp"]
    assert held.consent == parent.consent
    assert mine["sub"] == theirs["sub"] or (held.consent and mine["aud"] != theirs["aud"])
    assert held.chain[len(held.chain) - len(parent.chain) :] == parent.chain
    assert len(held.chain) - len(parent.chain) in (0, 1)
    if parent.root is not None:
        details = read_details(mine["authorization_details"])
        assert narrow_details(read_details(theirs["authorization_details"]), details) == details


def chain_of(claims: dict[str, Any]) -> tuple[str, ...]:
    found, act = [], claims.get("act")
    while act:
        found.append(act["sub"])
        act = act.get("act")
    return tuple(found)


def hash_of(token: str) -> str:
    """``ath`` of a proof."""
    return encode(hashlib.sha256(token.encode()).digest())


@pytest.mark.embedded
class TestDelegation(TestCase):
    def test_the_server_a_service_and_the_model_agree(self) -> None:
        examples = settings(
            max_examples=EXAMPLES,
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        )

        class Machine(Delegating):
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
