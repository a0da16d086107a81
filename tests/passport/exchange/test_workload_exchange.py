"""A workload's token for a passport: GitHub Actions, Kubernetes, SPIFFE, against a real https issuer."""

import json

import pytest

from foundation import clock as the_clock
from foundation.ledger.models import Entry, EntryText
from passport.agents.models import AgentKey
from passport.protocol import ACCESS_TOKEN_TYPE, JWT_TYPE, PASSPORT_TYPE
from passport.workloads.models import WorkloadIssuer
from passport.workloads.registration import WorkloadRefused, add_workload, remove_workload
from tests.cast import INFER, MODEL, Key, claims_of, granted
from tests.cast import refused as is_refused
from tests.passport.crafting import MALLORY, P384, RSA
from tests.passport.exchange.workload_platform import (
    GITHUB_SUBJECT,
    KUBERNETES_SUBJECT,
    SPIFFE_SUBJECT,
    Platform,
)


@pytest.fixture(scope="module")
def running_platform(tmp_path_factory):
    platform = Platform(tmp_path_factory.mktemp("platform"))
    yield platform
    platform.close()


@pytest.fixture
def platform(running_platform, settings):
    settings.OUTBOUND_CA_FILE = str(running_platform.authority.file)
    settings.OUTBOUND_PRIVATE_HOSTS = [running_platform.host]
    running_platform.published = [RSA, *(key for key in running_platform.published if key.name == "alice")]
    running_platform.documents.clear()
    running_platform.asked.clear()
    return running_platform


def register(
    platform, actor, subject: str = GITHUB_SUBJECT, kind: str = "github", *, binds_keys: bool = False
):
    return add_workload(
        actor.agent, kind=kind, issuer=platform.issuer, subject=subject, binds_keys=binds_keys,
        by="user:usr_alice", now=the_clock.now(),
    )  # fmt: skip


@pytest.fixture
def workload(platform, scout) -> WorkloadIssuer:
    return register(platform, scout)


@pytest.fixture
def show(endpoint):
    """Shows a workload's token for a passport."""

    def ask(token: str, **more):
        shape = {"subject_token_type": JWT_TYPE, "requested_token_type": PASSPORT_TYPE, "resource": None}
        return endpoint.exchange(token, **shape | more)

    return ask


@pytest.mark.parametrize(
    ("kind", "subject", "mint"),
    [
        ("github", GITHUB_SUBJECT, Platform.github),
        ("kubernetes", KUBERNETES_SUBJECT, Platform.kubernetes),
        ("spiffe", SPIFFE_SUBJECT, Platform.spiffe),
    ],
)
def test_each_platform_s_token_gives_a_passport(platform, scout, show, endpoint, kind, subject, mint) -> None:
    register(platform, scout, subject, kind)
    answer = show(mint(platform), key=scout.key)
    claims = claims_of(granted(answer))
    assert (answer.json()["token_type"], answer.json()["issued_token_type"]) == ("N_A", PASSPORT_TYPE)
    assert (claims["sub"], claims["cnf"]) == (scout.id, {"jkt": scout.key.thumbprint})
    assert claims_of(granted(endpoint.exchange(granted(answer), key=scout.key, scope=INFER)))["aud"] == MODEL


@pytest.mark.refusal("EX-19")
@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://tokens.example"},
        {"sub": "repo:alice/reader:ref:refs/heads/main2"},
        {"sub": "repo:Alice/reader:ref:refs/heads/main"},
        {"sub": ["repo:alice/reader:ref:refs/heads/main"]},
        {"sub": None},
        {"aud": "https://passport.test/"},
        {"aud": "https://passport.test/oauth/token"},
        {"aud": ["https://passport.test", "https://other.example"]},
        {"aud": None},
        {"exp": None},
        {"exp": 1795521600 - 31},
        {"exp": 1795521600.5},
        {"iat": 1795521600 - 3601},
        {"iat": 1795521600 + 31},
        {"iat": None},
        {"nbf": 1795521600 + 31},
        {"jti": ""},
        {"jti": 5},
    ],
    ids=str,
)
def test_a_token_that_is_not_exactly_what_was_registered_is_refused(
    platform, workload, scout, show, claims
) -> None:
    is_refused(show(platform.github(**claims), key=scout.key), "invalid_request")


@pytest.mark.shows("EX-19")
@pytest.mark.parametrize("mint", [Platform.github, Platform.kubernetes])
def test_a_workload_token_counts_once(platform, scout, show, clock, mint) -> None:
    register(platform, scout)
    register(platform, scout, KUBERNETES_SUBJECT, "kubernetes")
    token = mint(platform)
    granted(show(token, key=scout.key))
    clock.forward(seconds=200)
    is_refused(show(token, key=scout.key), "invalid_request", reason="workload_token_replayed")


@pytest.mark.shows("EX-19")
def test_another_agent_s_workload_is_nobody_else_s(platform, workload, mallory, show) -> None:
    token = platform.github()
    is_refused(show(token, key=mallory.key), "invalid_request", reason="workload_issuer_unknown")
    answer = show(token, key=mallory.key, client_id=mallory.id)
    is_refused(answer, "invalid_request", reason="workload_issuer_unknown")
    assert platform.asked == []


@pytest.mark.shows("EX-19")
@pytest.mark.parametrize("key", [MALLORY, P384], ids=lambda key: key.name)
def test_a_token_by_a_key_that_is_not_published_is_refused(platform, workload, scout, show, key) -> None:
    claims = {"sub": GITHUB_SUBJECT}
    is_refused(show(platform.mint({}, key, claims), key=scout.key), "invalid_request")
    is_refused(show(platform.mint({"kid": RSA.thumbprint}, key, claims), key=scout.key), "invalid_request")


@pytest.mark.shows("EX-17")
@pytest.mark.parametrize(
    "typ", ["at+jwt", "secevent+jwt", "statuslist+jwt", "dpop+jwt", "agent-passport+jwt"]
)
def test_a_token_of_another_kind_is_no_workload_token(platform, workload, scout, show, typ) -> None:
    token = platform.mint({"typ": typ}, RSA, {"sub": GITHUB_SUBJECT})
    is_refused(show(token, key=scout.key), "invalid_request")


@pytest.mark.refusal("EX-16")
def test_act_of_a_workload_token_is_recorded_and_gives_nothing(
    platform, workload, scout, show, endpoint
) -> None:
    said = {"sub": "agent_admin", "act": {"sub": "someone"}}
    passport = granted(show(platform.github(act=said), key=scout.key))
    assert "act" not in claims_of(passport)
    assert "act" not in claims_of(granted(endpoint.exchange(passport, key=scout.key)))
    entry = Entry.objects.get(type="workload.used")
    assert json.loads(EntryText.objects.get(entry=entry).text) == {"act": said}
    assert claims_of(passport)["jti"] in entry.subject_ids


@pytest.mark.refusal("EX-20")
def test_keys_that_cannot_be_had_are_never_skipped(platform, workload, scout, show, clock) -> None:
    token = platform.github()
    platform.documents["/keys"] = None
    answer = show(token, key=scout.key)
    is_refused(answer, "temporarily_unavailable", status=503, reason="workload_keys_unreachable")
    assert int(answer.headers["Retry-After"]) > 0
    platform.documents.clear()
    clock.forward(seconds=61)
    granted(show(token, key=scout.key))


@pytest.mark.shows("EX-20")
@pytest.mark.parametrize(
    "said",
    [
        {"issuer": "https://other.example", "jwks_uri": "https://other.example/keys"},
        {"issuer": 5},
        [],
        {"jwks_uri": "http://plain.example/keys"},
    ],
    ids=str,
)
def test_a_configuration_that_is_not_the_issuer_s_own_counts_for_nothing(
    platform, workload, scout, show, said
) -> None:
    whole = {"issuer": platform.issuer, **said} if isinstance(said, dict) else said
    platform.documents["/.well-known/openid-configuration"] = whole
    answer = show(platform.github(), key=scout.key)
    is_refused(answer, "temporarily_unavailable", status=503, reason="workload_keys_unreachable")


@pytest.mark.refusal("EX-21")
@pytest.mark.parametrize("wanted", [None, ACCESS_TOKEN_TYPE])
def test_a_workload_token_gives_no_access_token(platform, workload, scout, show, wanted) -> None:
    answer = show(platform.github(), key=scout.key, requested_token_type=wanted, resource=MODEL)
    assert "passport first" in is_refused(answer, "invalid_request")


def test_a_rotated_key_is_fetched_once_it_is_met(platform, workload, scout, show, clock) -> None:
    granted(show(platform.github(), key=scout.key))
    fetched = len(platform.asked)
    platform.published.append(P384)
    clock.forward(seconds=61)
    granted(show(platform.mint({}, P384, {"sub": GITHUB_SUBJECT}), key=scout.key))
    assert len(platform.asked) == fetched + 1


def test_without_the_owner_s_leave_no_new_key_is_bound(platform, workload, scout, show) -> None:
    is_refused(
        show(platform.github(), key=Key(), client_id=scout.id), "invalid_dpop_proof", reason="other_key"
    )
    is_refused(show(platform.github(), key=Key()), "invalid_request")
    is_refused(show(platform.github(), client_id=scout.id), "invalid_request", reason="proof_missing")


def test_where_the_owner_allowed_it_a_workload_s_own_key_is_bound_for_a_day(
    platform, scout, show, endpoint, clock
) -> None:
    workload = register(platform, scout, binds_keys=True)
    key = Key()
    passport = granted(show(platform.github(), key=key, client_id=scout.id))
    assert claims_of(passport)["cnf"] == {"jkt": key.thumbprint}
    granted(endpoint.exchange(passport, key=key))
    clock.forward(hours=24)
    is_refused(endpoint.exchange(passport, key=key), "invalid_request", reason="key_retired")
    assert WorkloadIssuer.objects.get(pk=workload.pk).last_used_at is not None


def test_a_workload_brings_no_key_of_another_agent(platform, scout, mallory, show) -> None:
    register(platform, scout, binds_keys=True)
    answer = show(platform.github(), key=mallory.key, client_id=scout.id)
    is_refused(answer, "invalid_dpop_proof", reason="other_key")


def test_with_a_workload_go_the_keys_that_it_bound(platform, scout, show, endpoint) -> None:
    workload = register(platform, scout, binds_keys=True)
    key = Key()
    passport = granted(show(platform.github(), key=key, client_id=scout.id))
    assert remove_workload(scout.agent, workload.pk, by="user:usr_alice", now=the_clock.now())
    is_refused(endpoint.exchange(passport, key=key), "invalid_request", reason="key_retired")
    is_refused(show(platform.github(), key=scout.key), "invalid_request", reason="workload_issuer_unknown")
    assert not AgentKey.objects.filter(thumbprint=key.thumbprint, retired_at=None).exists()


@pytest.mark.parametrize(
    ("issuer", "subject"),
    [
        ("http://tokens.example", GITHUB_SUBJECT),
        ("https://tokens.example?x=1", GITHUB_SUBJECT),
        ("https://user@tokens.example", GITHUB_SUBJECT),
        ("https://", GITHUB_SUBJECT),
        ("https://[", GITHUB_SUBJECT),
        ("https://tokens.example", ""),
        ("https://tokens.example", "repo:alice/*"),
        ("https://tokens.example", "alice/reader"),
        ("https://tokens.example", "repo:alice\nreader"),
    ],
)
def test_an_issuer_or_subject_that_is_not_exact_is_not_registered(scout, issuer, subject) -> None:
    with pytest.raises(WorkloadRefused):
        add_workload(
            scout.agent, kind="github", issuer=issuer, subject=subject, binds_keys=False,
            by="user:usr_alice", now=the_clock.now(),
        )  # fmt: skip
