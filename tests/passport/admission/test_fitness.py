"""The Redis of admission evicts nothing and is its own: a system check says so before the start."""

import pytest
from django.conf import settings as project
from django.core.checks import run_checks


def found() -> list[str | None]:
    return [message.id for message in run_checks(tags=["admission"])]


@pytest.fixture
def policy(lone_connection):
    return lambda value: lone_connection.config_set("maxmemory-policy", value)


@pytest.mark.stores
def test_a_redis_of_its_own_without_eviction_is_fit(connection) -> None:
    assert found() == []


def test_a_redis_that_evicts_stops_the_start_and_is_not_ready(policy, client, db) -> None:
    policy("allkeys-lru")
    assert found() == ["passport.E101"]
    assert client.get("/readyz").status_code == 503


@pytest.mark.stores
def test_the_brokers_redis_is_refused_by_whatever_name(connection, settings) -> None:
    settings.BROKER_URL = project.ADMISSION_REDIS_URL.partition("?")[0] + "?db=9"
    assert found() == ["passport.E102"]


@pytest.mark.stores
def test_keys_of_somebody_else_are_refused(connection) -> None:
    connection.set("celery", "x")
    assert found() == ["passport.E103"]


def test_a_redis_that_does_not_answer_is_a_warning(settings, tmp_path) -> None:
    settings.ADMISSION_REDIS_URL = f"unix://{tmp_path}/none.sock"
    assert found() == ["passport.W101"]


def test_the_embedded_default_has_nothing_to_check(settings) -> None:
    settings.ADMISSION_REDIS_URL = ""
    assert found() == []
