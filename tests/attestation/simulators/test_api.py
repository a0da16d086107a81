"""The sandbox provider's API, called as its customer's server would."""

import httpx
import pytest

from attestation import conf
from attestation.contract import State
from attestation.evidence import record
from attestation.evidence.models import Attestation
from attestation.providers.registry import SANDBOX
from foundation import clock


@pytest.mark.parametrize("key", [None, "", "sbk_wrong", "é"])
def test_without_the_key_nothing_is_told(client, db, key):
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    answer = client.get("/sandbox-provider/v1/sessions/sbs_1", headers=headers)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b"\xff", b"[" * 9000, b'{"kind": "identity", "wants": "charged"}', b" " * 20000],
)
def test_a_bad_body_is_400(client, db, body):
    answer = client.post(
        "/sandbox-provider/v1/sessions",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {conf.sandbox_api_keys()[0]}"},
    )
    assert answer.status_code == 400


def test_cancel_redact_and_list_reach_the_provider(server, start, show_document, alice_account):
    begun = start(alice_account, "identity")
    SANDBOX.cancel(begun.ref)
    assert SANDBOX.fetch(begun.ref).state == State.CANCELED
    row = Attestation.objects.get(pk=begun.id)
    record.settle(row.pk, SANDBOX.fetch(begun.ref), now=clock.now())
    shown = Attestation.objects.get(pk=show_document(alice_account, "OK-5", "drop"))
    assert len(SANDBOX.list_events(row.created_at)) == 3
    SANDBOX.redact(shown.subject_ref)
    assert SANDBOX.fetch(shown.subject_ref).fingerprints == ()
    assert httpx.get(begun.url).status_code == 200
