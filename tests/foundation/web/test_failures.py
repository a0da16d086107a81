"""What is answered when nothing can be."""

import re

import pytest
from django.test import Client

from foundation.web.policies import origin_of, policy_for
from tests import people


def test_an_unknown_path_is_a_page_for_people_with_the_request_id(db: None) -> None:
    answer = people.browser().get("/nowhere", headers={"X-Request-ID": "req-77"})
    assert answer.status_code == 404
    assert "req-77" in answer.content.decode()
    assert answer["X-Request-ID"] == "req-77"


def test_the_same_path_is_a_problem_for_machines(db: None) -> None:
    answer = Client(headers={"Accept": "application/json"}).get("/nowhere")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["status"] == 404


def test_a_form_without_its_token_is_refused_in_words(db: None) -> None:
    answer = Client(enforce_csrf_checks=True, headers={"Accept": "text/html"}).post("/accounts/login/", {})
    assert answer.status_code == 403
    assert "This form is out of date" in answer.content.decode()


def test_a_breakdown_shows_a_page_and_no_trace(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*args: object, **kwargs: object) -> None:
        raise RuntimeError("the secret is 42")

    monkeypatch.setattr("accounts.portal.views.render", break_down)
    client = Client(raise_request_exception=False, headers={"Accept": "text/html"})
    answer = client.get("/")
    assert answer.status_code == 500
    assert "42" not in answer.content.decode()
    assert "Something broke on our side" in answer.content.decode()


def test_an_id_that_is_not_one_is_not_echoed(db: None) -> None:
    answer = people.browser().get("/nowhere", headers={"X-Request-ID": "<script>"})
    assert answer["X-Request-ID"].startswith("req_")


PAGES = ["/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/dev/mail", "/nowhere"]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_inline_script_or_style(db: None, path: str) -> None:
    answer = people.browser().get(path)
    page = answer.content.decode()
    assert not re.search(r"\sstyle=|<style|\son\w+=", page)
    inline = [tag for tag in re.findall(r"<script[^>]*>", page) if "src=" not in tag]
    assert all('type="application/json"' in tag for tag in inline)
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://client.example/cb?x=1", "https://client.example"),
        ("http://127.0.0.1:4000/cb", "http://127.0.0.1:4000"),
        ("http://[::1]:4000/cb", "http://[::1]:4000"),
        ("com.example.app:/cb", "com.example.app:"),
    ],
)
def test_a_form_may_end_at_the_one_origin_named(url: str, origin: str) -> None:
    assert origin_of(url) == origin
    assert policy_for(url)["form-action"][-1] == origin
