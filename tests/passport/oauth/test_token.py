"""POST /oauth/token: what any grant refuses, one test for each number."""

import pytest
from django.db import OperationalError

from passport.admission.models import AdmissionMode
from passport.exchange import passport_exchange
from tests.cast import EMBED, INFER, MODEL, granted, refused, set_levels


@pytest.mark.refusal("TOK-05")
@pytest.mark.parametrize(
    ("grant_type", "error"),
    [(None, "invalid_request"), ("", "invalid_request"), ("password", "unsupported_grant_type"),
     ("implicit", "unsupported_grant_type"), ("x" * 900, "unsupported_grant_type")],
)  # fmt: skip
def test_a_grant_that_is_not_offered_is_refused(endpoint, grant_type, error) -> None:
    refused(endpoint.post({} if grant_type is None else {"grant_type": grant_type}), error)


@pytest.mark.refusal("TOK-10")
def test_a_scope_not_held_is_refused_and_nothing_is_narrowed(endpoint, scout, scouts_passport) -> None:
    answer = endpoint.exchange(scouts_passport, key=scout.key, scope=f"{INFER} model:train")
    assert "model:train" in refused(answer, "invalid_scope")


@pytest.mark.shows("TOK-10")
def test_without_scope_all_that_is_held_is_given_and_named(endpoint, scout, scouts_passport) -> None:
    set_levels(scout.account, payment="charged")
    assert endpoint.exchange(scouts_passport, key=scout.key).json()["scope"] == f"{EMBED} {INFER}"


@pytest.mark.refusal("TOK-11")
@pytest.mark.parametrize("scope", ["model:unheard-of", "a" * 5000, "mod\u00e9l", 'a"b', "a  b", "a\tb"])
def test_an_unknown_or_malformed_scope_is_refused(endpoint, scout, scouts_passport, scope) -> None:
    refused(endpoint.exchange(scouts_passport, key=scout.key, scope=scope), "invalid_scope")


@pytest.mark.refusal("TOK-12")
@pytest.mark.parametrize("resource", ["https://unknown.example", "/v1", "model", f"{MODEL}#top", f"{MODEL}/"])
def test_an_unknown_relative_or_fragmented_target_is_refused(
    endpoint, scout, scouts_passport, resource
) -> None:
    refused(endpoint.exchange(scouts_passport, key=scout.key, resource=resource), "invalid_target")


@pytest.mark.refusal("TOK-13")
def test_a_level_below_the_scopes_is_refused_and_named(endpoint, scout, scouts_passport) -> None:
    answer = endpoint.exchange(scouts_passport, key=scout.key, scope=EMBED)
    said = refused(answer, "invalid_scope", reason="assurance_too_low")
    assert "payment level charged, yours is instrument" in said


@pytest.mark.shows("TOK-13")
def test_a_lost_level_refuses_at_the_next_exchange(endpoint, scout, scouts_passport) -> None:
    granted(endpoint.exchange(scouts_passport, key=scout.key, scope=INFER))
    set_levels(scout.account, identity="email")
    said = refused(endpoint.exchange(scouts_passport, key=scout.key, scope=INFER), "invalid_scope")
    assert "identity level document, yours is email" in said


@pytest.mark.shows("TOK-14")
def test_a_database_that_does_not_answer_is_503(endpoint, scout, scouts_passport, monkeypatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(passport_exchange, "find_by_passport", gone)
    answer = endpoint.exchange(scouts_passport, key=scout.key)
    refused(answer, "temporarily_unavailable", status=503)
    assert int(answer.headers["Retry-After"]) >= 1


@pytest.mark.shows("TOK-14")
def test_without_redis_the_database_admits_up_to_its_share(endpoint, scout, scouts_passport, clock) -> None:
    AdmissionMode.objects.update(mode="database")
    proof = scout.key.proof()
    granted(endpoint.exchange(scouts_passport, proof=proof))
    refused(endpoint.exchange(scouts_passport, proof=proof), "invalid_dpop_proof", reason="proof_replayed")
    answers = [endpoint.exchange(scouts_passport, key=scout.key) for _ in range(20)]
    assert answers[-1].status_code in {429, 503}
    assert answers[-1].json()["error"] == "temporarily_unavailable"
    assert int(answers[-1].headers["Retry-After"]) >= 1


def test_a_get_is_405(endpoint) -> None:
    answer = endpoint.client.get("/oauth/token")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_a_refusal_never_holds_what_was_sent(endpoint, scout, scouts_passport, caplog) -> None:
    answer = endpoint.exchange(scouts_passport, key=scout.key, scope="model:none")
    signature = scouts_passport.rpartition(".")[2]
    assert signature not in answer.content.decode()
    assert signature not in caplog.text
