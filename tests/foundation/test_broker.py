"""Whatever the broker does, what was committed stays committed and its job waits in the database."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import transaction

from foundation.jobs import outbox
from foundation.jobs.broker import celery_app
from foundation.jobs.models import Job
from foundation.jobs.outbox import enqueue, run_due

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def jobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(outbox.FUNCTIONS, "test.note", lambda: None)
    celery_app.cache_clear()
    yield
    celery_app.cache_clear()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:1/0",
        "redis+socket:///nowhere.sock",
        "carrier-pigeon://loft",
        "redis://[::1",
        "amqp://a:b",
    ],
)
def test_a_broker_that_is_away_or_misnamed_takes_nothing_back(settings, url: str) -> None:
    settings.BROKER_URL = url
    with transaction.atomic():
        enqueue("test.note")
    assert Job.objects.filter(name="test.note", finished_at=None).count() == 1
    assert run_due() >= 1
    assert not Job.objects.filter(name="test.note", finished_at=None).exists()


@pytest.mark.parametrize(
    "url",
    [
        "carrier-pigeon://loft",
        "memory://",
        "filesystem://",
        "sqla+sqlite:///x",
        "redis",
        "redis://a;memory://",
    ],
)
def test_a_broker_of_an_unknown_or_losing_transport_stops_every_start(url: str) -> None:
    environment = {**os.environ, "AP_BROKER_URL": url}
    command = [sys.executable, "-c", "import config.settings"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "AP_BROKER_URL: begins with one of: redis://" in done.stderr
