"""What an exchange costs the stores (DESIGN section 5): counted at the real servers."""

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from passport.admission.redis import client as redis_client
from passport.exchange.presented import checked
from tests.cast import MODEL, granted


def calls(redis) -> dict[str, int]:
    """What Redis has run so far, by command; scripts' own calls are inside of theirs."""
    return {name: stats["calls"] for name, stats in redis.info("commandstats").items()}


@pytest.mark.django_db(transaction=True)
@pytest.mark.stores
@pytest.mark.parametrize("seen_before", [True, False])
def test_an_exchange_is_one_read_no_write_and_one_script(
    endpoint, scout, scouts_passport, seen_before
) -> None:
    redis = redis_client(settings.ADMISSION_REDIS_URL)
    granted(endpoint.exchange(scouts_passport, key=scout.key))
    if not seen_before:
        checked.clear()
    before = calls(redis)
    with CaptureQueriesContext(connection) as queries:
        granted(endpoint.exchange(scouts_passport, key=scout.key))
    after = calls(redis)
    assert [query["sql"].split("(")[0].strip() for query in queries] == ["EXECUTE standing_by_passport"]
    scripts = after["cmdstat_evalsha"] - before["cmdstat_evalsha"]
    for _ in range(10):
        # The server is shared: others' scripts may have been counted too.
        if scripts == 1:
            break
        before = calls(redis)
        granted(endpoint.exchange(scouts_passport, key=scout.key))
        scripts = calls(redis)["cmdstat_evalsha"] - before["cmdstat_evalsha"]
    assert scripts == 1
    assert after.get("cmdstat_eval", 0) == before.get("cmdstat_eval", 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.stores
def test_the_database_holds_nothing_more_after_an_exchange(endpoint, scout, scouts_passport) -> None:
    granted(endpoint.exchange(scouts_passport, key=scout.key))
    before = rows_written()
    granted(endpoint.exchange(scouts_passport, key=scout.key))
    assert rows_written() == before


def rows_written() -> int:
    """Rows inserted, changed or deleted so far in this database; other databases of the server do not count."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT 1")
        cursor.execute("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables")
        return int(cursor.fetchone()[0])


def test_an_exchange_is_one_query_on_any_database(endpoint, scout, scouts_passport) -> None:
    granted(endpoint.exchange(scouts_passport, key=scout.key))
    with CaptureQueriesContext(connection) as queries:
        granted(endpoint.exchange(scouts_passport, key=scout.key))
    assert len(queries) == 1


def test_an_authenticated_request_costs_one_read_more(endpoint, scout) -> None:
    data = {"grant_type": "client_credentials", "resource": MODEL}
    granted(endpoint.post({**data, **scout.authenticated()}, proof=scout.key.proof()))
    with CaptureQueriesContext(connection) as queries:
        granted(endpoint.post({**data, **scout.authenticated()}, proof=scout.key.proof()))
    assert len(queries) == 2
