"""What the probes tell: that the process lives, and whether it can serve."""

import pytest

from foundation.ledger.append import append
from foundation.web import health
from passport.signing import keys
from passport.signing.models import SigningKey


@pytest.mark.refusal("HEALTH-01")
def test_liveness_touches_nothing_and_readiness_tells_of_the_parts_without_naming_them(
    house, client, django_assert_num_queries, monkeypatch
) -> None:
    with django_assert_num_queries(0):
        alive = client.get("/livez")
    assert (alive.status_code, alive.content) == (200, b"ok")
    assert "no-store" in alive.headers["Cache-Control"]
    assert set(health.READY) >= {"database", "migrations", "keys", "feed", "admission"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True})
    assert "no-store" in ready.headers["Cache-Control"]
    for part in health.READY:
        with monkeypatch.context() as without:
            without.setitem(health.READY, part, lambda: False)
            assert (client.get("/readyz").status_code, client.get("/readyz").json()) == (
                503,
                {"ready": False},
            )


@pytest.mark.shows("HEALTH-01")
def test_without_a_key_that_signs_it_is_not_ready(house, client) -> None:
    SigningKey.objects.update(state="retired")
    keys.forget()
    assert client.get("/readyz").status_code == 503


@pytest.mark.shows("HEALTH-01")
def test_a_record_that_stands_still_is_not_ready(house, client, clock) -> None:
    append("switch.changed", actor="system:tests", subject_ids=["x"], reason="", payload={}, text="")
    assert client.get("/readyz").status_code == 200
    clock.forward(seconds=31)
    assert client.get("/readyz").status_code == 503


@pytest.mark.shows("HEALTH-01")
def test_an_unapplied_migration_is_not_ready(house, client, monkeypatch) -> None:
    monkeypatch.setattr(health.READY["migrations"], "done", False)
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda self, targets: ["0002"])
    assert client.get("/readyz").status_code == 503


@pytest.mark.shows("HEALTH-01")
def test_details_are_not_told_to_strangers(house, client) -> None:
    assert client.get("/metrics").status_code == 404
