"""Who gets in at ``/v1/``: by a token that a person granted, while the grant, the role and the account hold."""

import base64
import json

import pytest
from django.test import Client

from accounts.linkage.models import Signal
from accounts.owners.accounts import close_account
from accounts.owners.models import Membership
from passport.agents.models import Agent
from passport.api import kept_answers
from passport.api.callers import PER_GRANT
from passport.api.kept_answers import sweep
from passport.api.kept_models import KeptAnswer
from passport.consents.end import end_consent
from passport.consents.models import Consent
from passport.fields import Effect
from passport.restrictions.place import SubjectRef, place
from tests.cast import CLIENT_CREDENTIALS, ISSUER, Key, granted, open_service
from tests.passport.api.calling import Api, an_agent, problem

PATH = "/v1/agents"


def test_without_a_token_the_two_ways_are_named(house) -> None:
    answer = Client().get(PATH)
    problem(answer, 401, "invalid_token")
    challenge = answer["WWW-Authenticate"]
    assert "Bearer " in challenge
    assert "DPoP " in challenge
    assert f'resource_metadata="{ISSUER}/.well-known/oauth-protected-resource/v1"' in challenge
    assert 'scope="agents.read"' in challenge
    assert "error=" not in challenge


def test_a_token_without_the_scope_is_told_which_it_lacks(enter) -> None:
    api = enter("bob", "developer", scope="agents.read")
    assert api("GET", PATH).status_code == 200
    answer = api("POST", PATH, an_agent())
    problem(answer, 403, "access_denied")
    assert 'error="insufficient_scope"' in answer["WWW-Authenticate"]
    assert 'scope="agents.write"' in answer["WWW-Authenticate"]


class TestProofs:
    def test_a_bound_token_is_no_bearer_token(self, alice) -> None:
        answer = Client().get(PATH, headers={"Authorization": f"Bearer {alice.token}"})
        problem(answer, 401, "invalid_token")

    def test_a_proof_counts_once(self, alice) -> None:
        proven = alice.proven("GET", PATH)
        assert Client().get(PATH, headers=proven).status_code == 200
        answer = Client().get(PATH, headers=proven)
        problem(answer, 401, "proof_replayed")
        assert answer["DPoP-Nonce"]

    @pytest.mark.parametrize("other", [Key(), "method", "path"])
    def test_a_proof_by_another_key_or_for_another_call_is_refused(self, alice, other) -> None:
        api = Api(alice.token, other, alice.person) if isinstance(other, Key) else alice
        proven = api.proven("POST" if other == "method" else "GET", "/v1/me" if other == "path" else PATH)
        assert Client().get(PATH, headers=proven).status_code == 401

    def test_a_token_that_was_tampered_with_is_refused(self, alice) -> None:
        head, claims, signature = alice.token.split(".")
        changed = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))) | {"scope": "x"}
        forged = base64.urlsafe_b64encode(json.dumps(changed).encode()).rstrip(b"=").decode()
        api = Api(f"{head}.{forged}.{signature}", alice.key, alice.person)
        problem(api("GET", PATH), 401, "invalid_token")


def test_a_services_own_token_and_an_agents_token_manage_nothing(endpoint, scout, scouts_passport) -> None:
    service, secret = open_service("https://other.example")
    basic = base64.b64encode(f"{service.id}:{secret}".encode()).decode()
    form = {"grant_type": CLIENT_CREDENTIALS, "resource": f"{ISSUER}/v1"}
    own = granted(endpoint.post(form, HTTP_AUTHORIZATION=f"Basic {basic}"))
    problem(Client().get(PATH, headers={"Authorization": f"Bearer {own}"}), 403, "access_denied")
    agents = granted(endpoint.exchange(scouts_passport, key=scout.key))
    problem(Client().get(PATH, headers={"Authorization": f"DPoP {agents}"}), 401, "invalid_token")


class TestAtOnce:
    """What the token leads to is read with every call."""

    def test_a_withdrawn_grant_refuses(self, alice, clock) -> None:
        end_consent(Consent.objects.get().pk, reason="withdrawn", actor="user:usr_a", now=clock.now())
        body = problem(alice("GET", PATH), 401, "invalid_token")
        assert "withdrawn" in body["detail"]

    def test_a_membership_that_ended_refuses(self, alice) -> None:
        Membership.objects.all().delete()
        body = problem(alice("GET", PATH), 403, "membership_ended")
        assert body["detail"] == "you are no longer a member of this account"

    def test_another_role_counts_from_the_next_call(self, alice) -> None:
        Membership.objects.update(role="viewer")
        problem(alice("POST", PATH, an_agent()), 403, "role")

    @pytest.mark.parametrize(
        ("effect", "kind"), [(Effect.SUSPEND, "account_suspended"), (Effect.REVOKE, "account_revoked")]
    )
    def test_a_restricted_account_refuses_reading_too(self, alice, account, clock, effect, kind) -> None:
        subject = SubjectRef("account", account.pk, account.pk)
        place([subject], effect=effect, reason="fraud", actor="system:tests", now=clock.now())
        problem(alice("GET", PATH), 403, kind)

    def test_a_closed_account_can_be_read_and_not_changed(self, alice, account, clock) -> None:
        close_account(account.pk, actor=alice.person.user, now=clock.now())
        assert alice("GET", "/v1/account").json()["state"] == "closed"
        problem(alice("POST", PATH, an_agent()), 403, "account_closed")

    def test_a_person_who_was_locked_out_is_refused(self, alice) -> None:
        alice.person.user.is_active = False
        alice.person.user.save()
        problem(alice("GET", PATH), 401, "invalid_token")

    def test_a_token_that_has_ended_refuses(self, alice, clock) -> None:
        clock.forward(minutes=6)
        problem(alice("GET", PATH), 401, "invalid_token")


def test_too_many_calls_of_one_login_are_told_how_long_to_wait(alice) -> None:
    for _ in range(PER_GRANT):
        answer = alice("GET", "/v1/me")
    assert answer["RateLimit"].startswith('"login";r=0;')
    refused = alice("GET", "/v1/me")
    body = problem(refused, 429, "https://iana.org/assignments/http-problem-types#quota-exceeded")
    assert body["violated-policies"] == ["login"]
    assert int(refused["Retry-After"]) >= 1


class TestOnce:
    """``Idempotency-Key``."""

    def test_the_same_request_twice_is_carried_out_once(self, alice) -> None:
        body, key = an_agent(), {"Idempotency-Key": "k-1"}
        first, second = alice("POST", PATH, body, **key), alice("POST", PATH, body, **key)
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json() == second.json()
        assert second["Idempotency-Replayed"] == "true"
        assert (first["Location"], first["ETag"]) == (second["Location"], second["ETag"])

    def test_without_its_kept_answer_nothing_is_done(self, alice, monkeypatch) -> None:
        """As if the process had died in between."""

        def dies(*_: object) -> None:
            raise MemoryError

        monkeypatch.setattr(kept_answers, "finish", dies)
        with pytest.raises(MemoryError):
            alice("POST", PATH, an_agent(), **{"Idempotency-Key": "k-1"})
        assert not Agent.objects.exists()

    def test_a_refusal_keeps_what_it_noted(self, alice, mallory) -> None:
        taken = an_agent("thief", mallory.key)
        problem(alice("POST", PATH, taken, **{"Idempotency-Key": "k-1"}), 422, "invalid-member")
        holders = Signal.objects.filter(kind="key_thumbprint").values_list("account_id", flat=True)
        assert "acc_alices" in holders

    def test_the_same_key_for_another_request_is_refused(self, alice) -> None:
        key = {"Idempotency-Key": "k-1"}
        alice("POST", PATH, an_agent(), **key)
        problem(alice("POST", PATH, an_agent("other"), **key), 422, "idempotency_key_reused")

    def test_a_refused_request_can_be_mended_under_the_same_key(self, alice) -> None:
        key = {"Idempotency-Key": "k-1"}
        assert alice("POST", PATH, {**an_agent(), "name": ""}, **key).status_code == 422
        assert alice("POST", PATH, an_agent(), **key).status_code == 201

    def test_after_a_day_the_key_is_free(self, alice, clock) -> None:
        alice("POST", PATH, an_agent(), **{"Idempotency-Key": "k-1"})
        assert KeptAnswer.objects.count() == 1
        clock.forward(hours=24, minutes=1)
        sweep()
        assert not KeptAnswer.objects.exists()

    def test_what_is_kept_lies_sealed(self, alice) -> None:
        alice("POST", PATH, an_agent("scout"), **{"Idempotency-Key": "k-1"})
        assert b"scout" not in bytes(KeptAnswer.objects.get().box)

    @pytest.mark.parametrize("key", ["", "a b", "x" * 256])
    def test_a_malformed_key_is_refused(self, alice, key) -> None:
        problem(alice("POST", PATH, an_agent(), **{"Idempotency-Key": key}), 400, "invalid-request")

    def test_another_login_cannot_meet_it(self, alice, enter) -> None:
        alice("POST", PATH, an_agent(), **{"Idempotency-Key": "k-1"})
        bob = enter("bob", "developer")
        assert "Idempotency-Replayed" not in bob("POST", PATH, an_agent(), **{"Idempotency-Key": "k-1"})


def test_a_path_with_nul_is_not_found(alice) -> None:
    answer = Client().get("/v1/agents/a%00b", headers=alice.proven("GET", "/v1/agents/a%00b"))
    assert answer.status_code in {401, 404}
