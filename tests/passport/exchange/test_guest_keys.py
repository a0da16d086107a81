"""One proof gives one token, whatever account it is sent for: replay is kept apart by account."""

import pytest

from passport.protocol import CLIENT_CREDENTIALS
from tests.cast import INFER, MODEL, Key, granted, refused


@pytest.fixture
def ask(endpoint):
    """An access token without a passport: the proof may be by any key."""
    return lambda actor, proof: endpoint.post(
        {"grant_type": CLIENT_CREDENTIALS, "resource": MODEL, "scope": INFER, **actor.authenticated()},
        proof=proof,
    )


def test_a_proof_by_another_accounts_key_is_refused_before_anything_is_spent(
    endpoint, scout, mallory, scouts_passport
) -> None:
    proof = mallory.key.proof()
    refused(endpoint.exchange(scouts_passport, proof=proof), "invalid_request", reason="other_key")
    granted(endpoint.passport(mallory, proof=proof))


def test_a_registered_key_proves_for_no_other_account(ask, scout, mallory) -> None:
    proof = scout.key.proof()
    refused(ask(mallory, proof), "invalid_dpop_proof", reason="other_key")
    granted(ask(scout, proof))
    refused(ask(scout, proof), "invalid_dpop_proof", reason="proof_replayed")


@pytest.mark.shows("DPOP-10")
def test_a_proof_by_an_unregistered_key_gives_one_token_among_all_accounts(ask, scout, mallory) -> None:
    proof = Key().proof()
    granted(ask(scout, proof))
    refused(ask(mallory, proof), "invalid_dpop_proof", reason="proof_replayed")
    refused(ask(scout, proof), "invalid_dpop_proof", reason="proof_replayed")


def test_an_unregistered_key_may_prove_again_with_a_new_jti(ask, scout, mallory) -> None:
    key = Key()
    for actor in (scout, mallory, scout):
        granted(ask(actor, key.proof()))
