import gzip
from datetime import timedelta

import pytest
from django.test import Client

from foundation import clock
from passport.restrictions.publish import publish
from passport.status.allocate import allocate
from passport.status.models import StatusList
from tests.passport.population import NOON, signing_keys

pytestmark = pytest.mark.django_db
WANTED = "application/statuslist+jwt"


@pytest.fixture(autouse=True)
def published(db: None) -> None:
    signing_keys()
    allocate("pp_1", NOON)
    publish()


def test_the_list_is_served_to_anybody_and_to_caches(client: Client) -> None:
    answer = client.get("/status/1", HTTP_ACCEPT=WANTED)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == WANTED
    assert answer.content.decode() == StatusList.objects.get().token
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"].startswith("public, max-age=")


def test_an_unchanged_list_is_not_sent_again(client: Client) -> None:
    etag = client.get("/status/1").headers["ETag"]
    assert client.get("/status/1", HTTP_IF_NONE_MATCH=etag).status_code == 304


def test_the_list_is_zipped_for_those_who_take_it(client: Client) -> None:
    answer = client.get("/status/1", HTTP_ACCEPT_ENCODING="br, gzip;q=0.5")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.content).decode() == StatusList.objects.get().token
    assert "Content-Encoding" not in client.get("/status/1", HTTP_ACCEPT_ENCODING="gzip;q=0").headers


def test_a_cache_keeps_a_list_no_longer_than_its_ttl(client: Client) -> None:
    StatusList.objects.update(signed_at=clock.now() - timedelta(seconds=50))
    seconds = int(client.get("/status/1").headers["Cache-Control"].rpartition("=")[2])
    assert 5 <= seconds <= 10


def test_all_lists_are_found_by_the_aggregation(client: Client) -> None:
    assert client.get("/status").json() == {"status_lists": ["https://passport.test/status/1"]}


@pytest.mark.refusal("SL-01")
def test_a_past_list_is_not_implemented(client: Client) -> None:
    assert client.get("/status/1?time=1").status_code == 501


@pytest.mark.refusal("SL-02")
def test_an_unknown_list_is_not_found(client: Client) -> None:
    assert client.get("/status/99").status_code == 404
    assert client.get(f"/status/{10**30}").status_code == 404


@pytest.mark.refusal("SL-03")
def test_a_reader_that_takes_only_cwt_is_refused(client: Client) -> None:
    assert client.get("/status/1", HTTP_ACCEPT="application/statuslist+cwt").status_code == 406
