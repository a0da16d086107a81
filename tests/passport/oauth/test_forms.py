"""Refusals of every form that the protocol endpoints take."""

import string
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport.errors import InvalidRequest
from passport.oauth.forms import parse_form
from passport.services.registration import check_secret
from tests.passport.oauth.asking import Door, assertion, basic, refused, signed_in


@pytest.fixture(params=["/oauth/revoke", "/oauth/introspect"])
def door(request: pytest.FixtureRequest) -> Door:
    return Door(request.param)


@pytest.mark.refusal("TOK-01")
@pytest.mark.parametrize(
    "content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""]
)
def test_another_content_type_is_refused(door: Door, content_type: str) -> None:
    refused(door.post("token=a", content_type=content_type), 400, "invalid_request")


@pytest.mark.refusal("TOK-02")
@pytest.mark.parametrize(
    "body", ["token=a&token=a", "token=a&token=b", "scope=&scope=a&token=a", "to%6ben=a&token=a"]
)
def test_a_repeated_parameter_is_refused_even_when_equal(door: Door, body: str) -> None:
    refused(door.post(body), 400, "invalid_request")


def test_only_resource_and_audience_may_be_repeated() -> None:
    form = parse_form(b"resource=a&resource=b&audience=c&audience=c")
    assert (form.get_all("resource"), form.get_all("audience")) == (["a", "b"], ["c", "c"])


@pytest.mark.refusal("TOK-03")
def test_parameters_in_the_query_string_are_refused(door: Door) -> None:
    door.path += "?token=a"
    refused(door.post("token=a"), 400, "invalid_request")


@pytest.mark.refusal("TOK-04")
@pytest.mark.parametrize("body", ["token=" + "a" * 65536, "&".join(f"p{n}=1" for n in range(101))])
def test_a_body_too_long_or_with_too_many_parameters_is_refused(door: Door, body: str) -> None:
    refused(door.post(body), 413, "invalid_request")


@pytest.mark.refusal("TOK-06")
def test_an_empty_value_is_absent_and_an_unknown_parameter_ignored(agent) -> None:
    form = signed_in(assertion(agent.client_id), token="", client_secret="", unheard_of="1")
    body = refused(Door("/oauth/revoke").post(form), 400, "invalid_request")
    assert body["error_description"] == "token is missing"


@pytest.mark.refusal("TOK-07")
@pytest.mark.parametrize(
    "body", ["token=%ff", b"token=\xff", "token=%00", "token=a%", "token=%4", "token=%zz", "%e9=a"]
)
def test_broken_encoding_is_refused(door: Door, body: str | bytes) -> None:
    refused(door.post(body), 400, "invalid_request")


@pytest.mark.refusal("TOK-08")
def test_two_ways_to_authenticate_at_once_are_refused(door: Door, agent, service) -> None:
    by_assertion = signed_in(assertion(agent.client_id), token="a")
    with_secret = {"token": "a", "client_secret": service[1]}
    header = basic(service[0].id, service[1])
    refused(door.post(by_assertion, authorization=header), 400, "invalid_request")
    refused(door.post(with_secret, authorization=header), 400, "invalid_request")
    refused(door.post({**by_assertion, "client_secret": "x"}), 400, "invalid_request")


@pytest.mark.refusal("TOK-09")
def test_no_secret_is_taken_from_an_agent(door: Door, agent) -> None:
    for secret in (agent.client_secret, "guess"):
        refused(
            door.post({"token": "a"}, authorization=basic(agent.client_id, secret)), 401, "invalid_client"
        )
        body = {"token": "a", "client_id": agent.client_id, "client_secret": secret}
        refused(door.post(body), 401, "invalid_client")


def test_basic_brings_a_challenge_and_an_assertion_none(door: Door, service) -> None:
    wrong = door.post({"token": "a"}, authorization=basic(service[0].id, "wrong"))
    assert wrong["WWW-Authenticate"].startswith("Basic ")
    assert "WWW-Authenticate" not in door.post(signed_in("a.b.c", token="a"))


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic !",
        "Basic YQ==",
        "Basic OmE=",
        "Basic YTo=",
        "Bearer x",
        "DPoP x",
        "Basic " + "A" * 5000,
        "Basic 4pg6/w==",
    ],
)
def test_a_malformed_authorization_header_is_refused(door: Door, header: str) -> None:
    refused(door.post({"token": "a"}, authorization=header), 401, "invalid_client")


def test_a_service_that_signs_has_no_secret_that_works(service) -> None:
    relying, secret = service
    relying.secret_hash = None
    assert not check_secret(relying, secret)
    assert not check_secret(relying, "")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "PATCH"])
def test_only_post_is_answered(door: Door, method: str) -> None:
    response = door.client.generic(method, door.path)
    assert (response.status_code, response["Allow"]) == (405, "POST")


@given(st.binary(max_size=300))
def test_whatever_bytes_come_only_the_typed_refusal_comes_back(body: bytes) -> None:
    try:
        form = parse_form(body)
    except InvalidRequest:
        return
    assert all(value for name in form._values for value in form.get_all(name))


@given(
    st.dictionaries(
        st.text(string.ascii_letters, min_size=1), st.text(min_size=1).filter(lambda t: "\0" not in t)
    )
)
def test_what_a_browser_encodes_is_read_back(values: dict[str, str]) -> None:
    try:
        body = urlencode(values).encode()
    except UnicodeEncodeError:
        return
    form = parse_form(body)
    assert {name: form.get(name) for name in values} == values
