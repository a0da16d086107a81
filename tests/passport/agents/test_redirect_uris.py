from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport.agents.redirect_uris import (
    NATIVE,
    WEB,
    BadRedirectUri,
    application_type_of,
    check_redirect_uri,
    host_of,
    is_registered,
    matches,
)

REGISTERED = "https://client.example/cb?tenant=7"


@pytest.mark.parametrize(
    "asked",
    [
        "https://client.example/cb?tenant=7/",
        "https://client.example/cb/?tenant=7",
        "https://client.example/CB?tenant=7",
        "https://CLIENT.example/cb?tenant=7",
        "https://client.example/cb",
        "https://client.example/cb?tenant=7&more=1",
        "https://client.example:443/cb?tenant=7",
        "https://mallory@client.example/cb?tenant=7",
        "https://client.example/cb?tenant=7#token",
        "https://client.example/a/../cb?tenant=7",
        "https://client.example/%63b?tenant=7",
        "http://client.example/cb?tenant=7",
        "https://client.example.mallory.example/cb?tenant=7",
        "",
    ],
)
def test_nothing_matches_but_the_very_string(asked) -> None:
    assert matches(REGISTERED, REGISTERED, application_type=WEB)
    assert not matches(asked, REGISTERED, application_type=NATIVE)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_on_the_loopback_interface_the_port_may_differ_and_nothing_else(host) -> None:
    registered = f"http://{host}:3000/cb"
    assert matches(f"http://{host}:49152/cb", registered, application_type=WEB)
    assert matches(f"http://{host}/cb", registered, application_type=WEB)
    for other in (f"http://{host}:49152/cb/", f"http://{host}:99999/cb", f"http://{host}:49152/cb#x",
                  f"https://{host}:49152/cb", f"http://{host}:80@mallory.example/cb", f"http://{host}:/cb",
                  f"http://u@{host}:49152/cb", f"http://{host}:49152/cb?code=1"):  # fmt: skip
        assert not matches(other, registered, application_type=NATIVE), other


def test_localhost_is_for_installed_applications_and_is_no_other_spelling_of_127_0_0_1() -> None:
    assert matches("http://localhost:5/cb", "http://localhost:3000/cb", application_type=NATIVE)
    assert not matches("http://localhost:5/cb", "http://localhost:3000/cb", application_type=WEB)
    assert not matches("http://127.0.0.1:3000/cb", "http://localhost:3000/cb", application_type=NATIVE)


@given(st.text(max_size=60), st.sampled_from([WEB, NATIVE]))
def test_whatever_is_asked_the_response_goes_to_a_registered_host(asked, application_type) -> None:
    registered = [REGISTERED, "http://127.0.0.1:3000/cb", "com.example.app:/cb"]
    if is_registered(asked, registered, application_type=application_type):
        assert asked in registered or urlsplit(asked).hostname == "127.0.0.1"


pieces = st.sampled_from(
    ["http", "https", "://", ":", "/", "?", "#", "@", "\\", ".", "127.0.0.1", "localhost", "[::1]", "cb", "80", "3000", "mallory.example", "%2f"]
)  # fmt: skip


@given(st.lists(pieces, max_size=10).map("".join))
def test_what_matches_a_loopback_redirect_names_that_host_path_and_query(asked) -> None:
    if matches(asked, "http://127.0.0.1:3000/cb", application_type=NATIVE):
        parts = urlsplit(asked)
        assert (parts.scheme, parts.hostname, parts.path, parts.query) == ("http", "127.0.0.1", "/cb", "")
        assert (parts.username, parts.fragment) == (None, "")


@pytest.mark.parametrize(
    ("uri", "application_type"),
    [
        ("https://client.example/cb", WEB),
        ("https://client.example", WEB),
        ("http://127.0.0.1:3000/cb", WEB),
        ("http://[::1]/cb", WEB),
        ("http://localhost/cb", NATIVE),
        ("com.example.app:/cb", NATIVE),
    ],
)
def test_it_can_be_registered(uri, application_type) -> None:
    check_redirect_uri(uri, application_type=application_type)


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)", "data:text/html,x", "http://client.example/cb", "https://*.example/cb",
        "https://client.example/cb#x", "https://u:p@client.example/cb", "https://", "/cb", "cb", "",
        "https://client.example:0/cb", "https://client.example:99999/cb", "https://client.example/\ncb",
        "https://client.example\\@mallory.example/cb", "app:/cb", "http://127.0.0.1.mallory.example/cb",
        "com.example.app://mallory.example/cb", "file:///etc/passwd", "https://client.example:/cb",
    ],
)  # fmt: skip
def test_it_cannot_be_registered(uri) -> None:
    with pytest.raises(BadRedirectUri):
        check_redirect_uri(uri, application_type=NATIVE)


def test_localhost_cannot_be_registered_for_the_web() -> None:
    with pytest.raises(BadRedirectUri):
        check_redirect_uri("http://localhost/cb", application_type=WEB)


@given(st.text(max_size=80))
def test_whatever_is_registered_is_told_apart_from_a_crash(uri) -> None:
    try:
        check_redirect_uri(uri, application_type=NATIVE)
    except BadRedirectUri:
        return
    assert host_of(uri)


def test_a_client_that_did_not_say_is_installed_when_no_redirect_leaves_the_machine() -> None:
    assert application_type_of(["http://localhost/cb", "com.example.app:/cb"]) == NATIVE
    assert application_type_of(["http://localhost/cb", "https://client.example/cb"]) == WEB
    assert application_type_of([]) == WEB
