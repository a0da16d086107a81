"""A passport for an access token: what is refused, one test for each number."""

import secrets
from datetime import timedelta

import pytest

from accounts.linkage.models import AccountCluster
from passport.admission import stores
from passport.admission.mode import microseconds
from passport.admission.models import AdmissionMode
from passport.agents.registration import close_agent, retire_key
from passport.credentials.models import Passport
from passport.fields import Effect
from passport.proofs import nonces
from passport.protocol import ACCESS_TOKEN_TYPE, JWT_TYPE, PASSPORT_TYPE
from passport.restrictions.place import SubjectRef, place
from passport.signing import keys
from tests.cast import (
    EMBED,
    INFER,
    ISSUER,
    LIVE,
    MODEL,
    SANDBOX,
    SEARCH,
    TRAIN,
    Key,
    claims_of,
    grant,
    hire,
    open_service,
    refused,
    set_levels,
)
from tests.cast import granted as token_of


def suspend(kind: str, subject_id: str, actor, clock, **more) -> None:
    more = {"effect": Effect.SUSPEND} | more
    place(
        [SubjectRef(kind, subject_id, actor.account.id)],
        reason="abuse", actor="user:usr_staff", now=clock.now(), **more,
    )  # fmt: skip


@pytest.mark.refusal("EX-01")
@pytest.mark.parametrize(
    "more",
    [
        {"subject_token": None},
        {"subject_token_type": None},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"},
        {"subject_token_type": ACCESS_TOKEN_TYPE},
    ],
    ids=["no token", "no type", "unknown type", "contradicting type"],
)
def test_a_subject_token_without_its_type_is_refused(endpoint, scout, scouts_passport, more) -> None:
    more = {"subject_token": scouts_passport} | more
    answer = endpoint.exchange(more.pop("subject_token"), key=scout.key, **more)
    refused(answer, "invalid_request")


@pytest.mark.refusal("EX-02")
@pytest.mark.parametrize("more", [{"actor_token": "x"}, {"actor_token_type": PASSPORT_TYPE}])
def test_an_actor_token_and_its_type_come_together(endpoint, scout, scouts_passport, more) -> None:
    refused(endpoint.exchange(scouts_passport, key=scout.key, **more), "invalid_request")


@pytest.mark.shows("EX-03")
def test_an_expired_passport_is_refused(endpoint, scout, scouts_passport, clock) -> None:
    clock.forward(days=30)
    answer = endpoint.exchange(scouts_passport, key=scout.key)
    refused(answer, "invalid_request", reason="passport_expired")


@pytest.mark.refusal("EX-03")
@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ({}, {}),
        ({}, {"iss": "https://other.example"}),
        ({}, {"aud": MODEL}),
        ({"kid": "unknown"}, {}),
        ({"kid": None}, {}),
    ],
    ids=["forged", "other issuer", "other audience", "unknown kid", "no kid"],
)
def test_a_passport_that_we_did_not_sign_is_refused(endpoint, scout, scouts_passport, header, claims) -> None:
    head = {"typ": "agent-passport+jwt", "alg": "ES256", "kid": keys.active().kid} | header
    head = {name: value for name, value in head.items() if value is not None}
    forged = Key().jws(head, claims_of(scouts_passport) | claims)
    refused(endpoint.exchange(forged, key=scout.key), "invalid_request")


@pytest.mark.shows("EX-03")
def test_a_passport_for_another_audience_is_refused_even_if_we_signed_it(
    endpoint, scout, scouts_passport
) -> None:
    signed = keys.active().sign(claims_of(scouts_passport) | {"aud": MODEL}, typ="agent-passport+jwt")
    refused(endpoint.exchange(signed, key=scout.key), "invalid_request")


@pytest.mark.shows("EX-03")
def test_a_passport_signed_by_a_withdrawn_key_is_refused_though_seen_before(
    endpoint, scout, scouts_passport, clock
) -> None:
    token_of(endpoint.exchange(scouts_passport, key=scout.key))
    keys.leak(keys.active().kid, actor="user:usr_staff", now=clock.now())
    answer = endpoint.exchange(scouts_passport, key=scout.key)
    refused(answer, "invalid_request", reason="signing_key_revoked")


@pytest.mark.refusal("EX-04")
@pytest.mark.parametrize("effect", [Effect.SUSPEND, Effect.REVOKE])
@pytest.mark.parametrize("kind", ["account", "agent", "key", "passport", "signing_key"])
def test_a_restriction_of_any_of_the_five_subjects_refuses_at_once(
    endpoint, scout, scouts_passport, clock, kind, effect
) -> None:
    subject_ids = {
        "account": scout.account.id,
        "agent": scout.id,
        "key": scout.row.id,
        "passport": claims_of(scouts_passport)["jti"],
        "signing_key": keys.active().kid,
    }
    suspend(kind, subject_ids[kind], scout, clock, effect=effect)
    answer = endpoint.exchange(scouts_passport, key=scout.key)
    verb = "suspended" if effect == Effect.SUSPEND else "revoked"
    refused(answer, "invalid_request", reason=f"{kind}_{verb}")


@pytest.mark.shows("EX-04")
def test_a_restriction_of_what_was_issued_before_spares_what_comes_after(
    endpoint, scout, scouts_passport, clock
) -> None:
    clock.forward(seconds=10)
    suspend("account", scout.account.id, scout, clock, effect=Effect.REVOKE, issued_before=clock.now())
    refused(endpoint.exchange(scouts_passport, key=scout.key), "invalid_request", reason="passport_revoked")
    token_of(endpoint.exchange(token_of(endpoint.passport(scout)), key=scout.key))


@pytest.mark.shows("EX-04")
def test_a_throttled_account_goes_on_with_less(endpoint, scout, scouts_passport, clock) -> None:
    suspend("account", scout.account.id, scout, clock, effect=Effect.THROTTLE, factor=0.1)
    answer = endpoint.exchange(scouts_passport, key=scout.key)
    token_of(answer)
    assert answer.headers["RateLimit-Policy"] == '"agent";q=6;w=60, "account";q=60;w=60'


@pytest.mark.shows("EX-04")
def test_a_closed_agent_and_a_retired_key_are_refused(endpoint, scout, scouts_passport, clock) -> None:
    retire_key(scout.row, actor="user:usr_alice", now=clock.now())
    refused(endpoint.exchange(scouts_passport, key=scout.key), "invalid_request", reason="key_retired")
    close_agent(scout.agent, actor="user:usr_alice", now=clock.now())
    refused(endpoint.exchange(scouts_passport, key=scout.key), "invalid_request", reason="agent_closed")


@pytest.mark.shows("EX-05")
def test_a_passport_without_a_proof_is_refused(endpoint, scouts_passport) -> None:
    refused(endpoint.exchange(scouts_passport), "invalid_request", reason="proof_missing")


@pytest.mark.refusal("EX-05")
def test_a_passport_with_a_good_proof_by_another_key_is_refused(endpoint, scouts_passport, mallory) -> None:
    refused(endpoint.exchange(scouts_passport, key=mallory.key), "invalid_request", reason="other_key")


@pytest.mark.refusal("EX-06")
def test_a_client_cannot_exchange_the_passport_of_another(endpoint, scout, scouts_passport, mallory) -> None:
    answer = endpoint.exchange(scouts_passport, key=scout.key, **mallory.authenticated())
    refused(answer, "invalid_request", reason="other_client")


def test_the_passports_own_client_may_authenticate_too(endpoint, scout, scouts_passport) -> None:
    token_of(endpoint.exchange(scouts_passport, key=scout.key, **scout.authenticated()))


@pytest.mark.refusal("EX-07")
@pytest.mark.parametrize("wanted", ["refresh_token", "id_token", "saml1", "saml2", "unheard-of"])
def test_other_kinds_of_token_are_not_given(endpoint, scout, scouts_passport, wanted) -> None:
    wanted = f"urn:ietf:params:oauth:token-type:{wanted}"
    answer = endpoint.exchange(scouts_passport, key=scout.key, requested_token_type=wanted)
    refused(answer, "invalid_request")


@pytest.mark.refusal("EX-08")
@pytest.mark.parametrize(
    "more",
    [
        {"resource": None},
        {"resource": [MODEL, SEARCH]},
        {"audience": SEARCH},
        {"resource": "https://x.example"},
    ],
    ids=["none", "two", "two by audience", "not registered"],
)
def test_a_token_is_for_one_registered_service(endpoint, scout, scouts_passport, more) -> None:
    open_service(SEARCH)
    refused(endpoint.exchange(scouts_passport, key=scout.key, **more), "invalid_target")


@pytest.mark.shows("EX-08")
def test_a_disabled_service_is_no_target(endpoint, scout, scouts_passport, model) -> None:
    type(model).objects.update(enabled=False)
    refused(endpoint.exchange(scouts_passport, key=scout.key), "invalid_target")


@pytest.mark.refusal("EX-09")
def test_a_scope_of_the_service_that_the_passport_lacks_is_refused(
    endpoint, scout, scouts_passport, model
) -> None:
    grant(scout, model, INFER, EMBED, TRAIN)
    said = refused(endpoint.exchange(scouts_passport, key=scout.key, scope=TRAIN), "invalid_scope")
    assert TRAIN in said


@pytest.mark.refusal("EX-12")
def test_the_token_ends_with_its_passport(endpoint, scout, scouts_passport, clock) -> None:
    clock.forward(days=30, minutes=-2)
    assert endpoint.exchange(scouts_passport, key=scout.key).json()["expires_in"] == 120


@pytest.mark.shows("EX-12")
def test_a_passport_with_less_than_five_seconds_left_is_refused(
    endpoint, scout, scouts_passport, clock
) -> None:
    clock.forward(days=30, seconds=-4)
    refused(endpoint.exchange(scouts_passport, key=scout.key), "invalid_request")


@pytest.mark.refusal("EX-17")
@pytest.mark.parametrize(
    "typ", ["secevent+jwt", "statuslist+jwt", "dpop+jwt", "token-introspection+jwt", "JWT"]
)
@pytest.mark.parametrize("said", [PASSPORT_TYPE, ACCESS_TOKEN_TYPE, JWT_TYPE])
def test_our_other_jwts_are_no_subject_tokens(endpoint, scout, scouts_passport, typ, said) -> None:
    signed = keys.active().sign(claims_of(scouts_passport), typ=typ)
    refused(endpoint.exchange(signed, key=scout.key, subject_token_type=said), "invalid_request")


def test_a_passport_may_be_called_a_jwt(endpoint, scout, scouts_passport) -> None:
    token_of(endpoint.exchange(scouts_passport, key=scout.key, subject_token_type=JWT_TYPE))


@pytest.mark.refusal("EX-18")
@pytest.mark.parametrize("opaque", ["8xLOxBtZp8", "aps_live_0123456789", "a.b.c", "a..b", "é.é.é"])
def test_opaque_strings_are_no_access_tokens(endpoint, scout, opaque) -> None:
    answer = endpoint.exchange(opaque, key=scout.key, subject_token_type=ACCESS_TOKEN_TYPE)
    refused(answer, "invalid_request")


@pytest.mark.shows("EX-19")
def test_a_workloads_jwt_of_an_unregistered_issuer_is_refused(endpoint, scout) -> None:
    foreign = Key().jws({"alg": "ES256"}, {"iss": "https://ci.example", "sub": "job", "aud": ISSUER})
    answer = endpoint.exchange(
        foreign, key=scout.key, subject_token_type=JWT_TYPE, requested_token_type=PASSPORT_TYPE
    )
    refused(answer, "invalid_request", reason="workload_issuer_unknown")


@pytest.mark.refusal("EX-23")
@pytest.mark.parametrize(("ours", "theirs"), [(SANDBOX, LIVE), (LIVE, SANDBOX)])
def test_live_and_sandbox_never_meet(endpoint, scout, ours, theirs) -> None:
    home = open_service("https://home.example", environment=ours)[0]
    open_service(SEARCH, environment=theirs)
    actor = hire(scout.account, "walker", environment=ours)
    grant(actor, home, INFER)
    passport = token_of(endpoint.passport(actor))
    refused(endpoint.exchange(passport, key=actor.key, resource=SEARCH), "invalid_target")


@pytest.mark.refusal("EX-24")
def test_a_passport_is_exchanged_many_times_and_charged_each_time(endpoint, scout, scouts_passport) -> None:
    answers = [endpoint.exchange(scouts_passport, key=scout.key) for _ in range(60)]
    assert [answer.status_code for answer in answers] == [200] * 59 + [429]
    refused(answers[-1], "temporarily_unavailable", status=429, reason="rate_limited")
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert answers[-1].headers["RateLimit"].startswith('"agent";r=0')


def test_who_is_over_the_limit_burns_no_proof(endpoint, scout, scouts_passport, clock) -> None:
    for _ in range(59):
        endpoint.exchange(scouts_passport, key=scout.key)
    proof = scout.key.proof()
    assert endpoint.exchange(scouts_passport, proof=proof).status_code == 429
    clock.forward(seconds=2)
    token_of(endpoint.exchange(scouts_passport, proof=proof))


@pytest.mark.shows("DPOP-10")
def test_a_proof_is_taken_once(endpoint, scout, scouts_passport) -> None:
    proof = scout.key.proof()
    token_of(endpoint.exchange(scouts_passport, proof=proof))
    refused(endpoint.exchange(scouts_passport, proof=proof), "invalid_dpop_proof", reason="proof_replayed")


def test_a_refused_request_leaves_its_proof_unspent(endpoint, scout, scouts_passport) -> None:
    proof = scout.key.proof()
    refused(endpoint.exchange(scouts_passport, proof=proof, scope="model:none"), "invalid_scope")
    token_of(endpoint.exchange(scouts_passport, proof=proof))


def test_a_proof_from_before_the_account_changed_its_partition_needs_a_nonce(
    endpoint, scout, scouts_passport, clock
) -> None:
    AccountCluster.objects.update_or_create(
        account=scout.account, environment=SANDBOX, defaults={"changed_at": clock.now()}
    )
    clock.forward(seconds=5)
    answer = endpoint.exchange(scouts_passport, key=scout.key)
    refused(answer, "use_dpop_nonce")
    proof = scout.key.proof(nonce=answer.headers["DPoP-Nonce"])
    token_of(endpoint.exchange(scouts_passport, proof=proof))
    clock.forward(minutes=1)
    token_of(endpoint.exchange(scouts_passport, key=scout.key))


def test_a_nonce_from_before_the_change_does_not_prove_that_the_proof_is_new(
    endpoint, scout, scouts_passport, clock
) -> None:
    """The proof may have been spent, with that very nonce, in the store that decided then."""
    old = nonces.issue(clock.now())
    clock.forward(seconds=10)
    AdmissionMode.objects.update(since=clock.now())
    stores.mark(stores.preferred(), microseconds(clock.now()))
    refused(endpoint.exchange(scouts_passport, proof=scout.key.proof(nonce=old)), "use_dpop_nonce")
    fresh = nonces.issue(clock.now())
    assert endpoint.exchange(scouts_passport, proof=scout.key.proof(nonce=fresh)).status_code == 200


def test_a_nonce_mends_a_bad_clock(endpoint, scout, scouts_passport, clock) -> None:
    wrong = int((clock.now() - timedelta(hours=3)).timestamp())
    refused(endpoint.exchange(scouts_passport, proof=scout.key.proof(iat=wrong)), "use_dpop_nonce")
    proof = scout.key.proof(iat=wrong, nonce=nonces.issue(clock.now()), jti=secrets.token_hex(8))
    token_of(endpoint.exchange(scouts_passport, proof=proof))


def test_a_passport_that_the_database_does_not_know_is_refused(endpoint, scout, scouts_passport) -> None:
    Passport.objects.all().delete()
    answer = endpoint.exchange(scouts_passport, key=scout.key)
    refused(answer, "invalid_request", reason="passport_unknown")


def test_a_level_that_lapsed_is_no_longer_in_the_token(
    endpoint, scout, scouts_passport, model, clock
) -> None:
    model.scopes.filter(name=INFER).update(least_identity="email", least_payment="none")
    set_levels(scout.account, identity_until=clock.now(), payment_until=clock.now())
    claims = claims_of(token_of(endpoint.exchange(scouts_passport, key=scout.key, scope=INFER)))
    assert claims["assurance"] == {"identity": {"level": "email"}, "payment": {"level": "none"}}
