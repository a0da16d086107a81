"""Keys that are not in a file: in the keyring of the operating system, or where a callback signs."""

from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from agent_passport import Agent, AgentKey, KeyFileError
from tests.sdk.fake_issuer import FakeIssuer
from tests.sdk.service_side import AUDIENCE


class Keyring(KeyringBackend):
    """What an operating system keeps, in memory."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("locked")
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password


@pytest.fixture
def system() -> Iterator[Keyring]:
    before = keyring.get_keyring()
    made = Keyring()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


def test_a_key_in_the_keyring_is_found_again(system: Keyring, any_key: AgentKey) -> None:
    any_key.save_to_keyring("agent_alice1")
    assert AgentKey.from_keyring("agent_alice1").thumbprint == any_key.thumbprint
    assert set(system.held) == {("agent-passport", "agent_alice1")}


def test_a_key_in_the_keyring_is_never_overwritten(system: Keyring, key: AgentKey) -> None:
    key.save_to_keyring("agent_alice1")
    with pytest.raises(KeyFileError, match="never overwritten"):
        AgentKey.generate().save_to_keyring("agent_alice1")
    assert AgentKey.from_keyring("agent_alice1").thumbprint == key.thumbprint


def test_what_the_keyring_lacks_or_locks_is_said(system: Keyring) -> None:
    with pytest.raises(KeyFileError, match="has no key agent_none1"):
        AgentKey.from_keyring("agent_none1")
    system.locked = True
    with pytest.raises(KeyFileError, match="Unlock it"):
        AgentKey.from_keyring("agent_none1")


def test_what_is_no_key_in_the_keyring_is_refused_without_a_word_of_it(system: Keyring) -> None:
    system.held["agent-passport", "a"] = "secret words"
    with pytest.raises(KeyFileError) as refused:
        AgentKey.from_keyring("a")
    assert "secret words" not in str(refused.value)


def test_a_key_that_is_somewhere_else_signs_through_its_callback(
    issuer: FakeIssuer, any_key: AgentKey
) -> None:
    signed: list[bytes] = []

    def sign(payload: bytes) -> bytes:
        signed.append(payload)
        return any_key.sign(payload)

    remote = AgentKey.from_callback({**any_key.public_jwk, "kid": "1"}, sign)
    assert (remote.alg, remote.thumbprint) == (any_key.alg, any_key.thumbprint)
    with Agent(issuer.url, "agent_alice1", remote) as agent:
        assert agent.token(AUDIENCE).value == "access-1"
    # The proof and the assertion of the passport, and the proof of the exchange.
    assert len(signed) == 3


def test_a_callback_that_answers_der_is_refused(any_key: AgentKey) -> None:
    remote = AgentKey.from_callback(any_key.public_jwk, lambda payload: b"\x30" * 70)
    with pytest.raises(KeyFileError, match="64 bytes"):
        remote.sign(b"payload")


def test_a_key_that_is_somewhere_else_cannot_be_read_out(any_key: AgentKey) -> None:
    remote = AgentKey.from_callback(any_key.public_jwk, any_key.sign)
    with pytest.raises(KeyFileError, match="cannot be read out"):
        remote.private_jwk()


@pytest.mark.parametrize("jwk", [{}, {"kty": "RSA"}, {"kty": "oct", "k": "AA"}])
def test_a_callback_needs_a_public_key_of_ours(jwk: dict[str, str]) -> None:
    with pytest.raises(KeyFileError):
        AgentKey.from_callback(jwk, lambda payload: payload)


def test_a_private_key_is_not_taken_for_a_public_one(any_key: AgentKey) -> None:
    with pytest.raises(KeyFileError, match="private"):
        AgentKey.from_callback(any_key.private_jwk(), any_key.sign)
