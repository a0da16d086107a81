"""The short way to the doors of machines answers as the long way does."""

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.urls import resolve

LONG = [name for name in settings.MIDDLEWARE if "machines" not in name]
CHANGING = {"X-Request-ID", "DPoP-Nonce"}


def answer(path: str, **headers: str):
    form = "application/x-www-form-urlencoded"
    return Client().post(path, "grant_type=x&token=y", content_type=form, headers=headers)


@pytest.mark.parametrize("path", settings.MACHINE_PATHS)
def test_status_content_and_headers_are_those_of_the_long_way(db, path) -> None:
    short = answer(path)
    with override_settings(MIDDLEWARE=LONG):
        long = answer(path)
    assert (short.status_code, short.content) == (long.status_code, long.content)
    assert set(short.headers) == set(long.headers)
    for name in set(long.headers) - CHANGING - {"Content-Security-Policy"}:
        assert short.headers[name] == long.headers[name], name
    assert short.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize("path", settings.MACHINE_PATHS)
def test_a_strange_host_is_refused(db, path) -> None:
    assert answer(path, host="mallory.test").status_code == 400


def test_a_failure_is_told_as_everywhere(db, monkeypatch) -> None:
    monkeypatch.setattr("passport.oauth.token.read_form", lambda request: 1 / 0)
    client = Client(raise_request_exception=False)
    response = client.post("/oauth/token", "a=b", content_type="application/x-www-form-urlencoded")
    assert response.status_code == 500
    assert b"ZeroDivisionError" not in response.content


def test_the_callers_own_id_is_echoed_where_it_is_harmless(db) -> None:
    assert answer("/oauth/token", x_request_id="abc-1").headers["X-Request-ID"] == "abc-1"
    assert answer("/oauth/token", x_request_id="<abc>").headers["X-Request-ID"].startswith("req_")


@pytest.mark.parametrize("path", settings.MACHINE_PATHS)
def test_every_path_is_routed_to_a_view_that_needs_no_form_token(path) -> None:
    assert resolve(path).func.csrf_exempt is True
