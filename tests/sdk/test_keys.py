import json
import stat
from pathlib import Path

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_passport import AgentKey, KeyFileError, _jws
from tests.sdk.encoding import thumbprint


def test_a_saved_key_is_readable_by_its_owner_alone(any_key: AgentKey, tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    any_key.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert AgentKey.load(path).thumbprint == any_key.thumbprint


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_a_key_that_others_can_read_is_refused_with_the_cure(
    key: AgentKey, tmp_path: Path, mode: int
) -> None:
    path = tmp_path / "key.json"
    key.save(path)
    path.chmod(mode)
    with pytest.raises(KeyFileError) as refused:
        AgentKey.load(path)
    assert refused.value.cure == f"chmod 600 {path}"


def test_a_key_is_never_overwritten(key: AgentKey, tmp_path: Path) -> None:
    key.save(tmp_path / "key.json")
    with pytest.raises(KeyFileError, match="exists"):
        AgentKey.generate().save(tmp_path / "key.json")
    assert AgentKey.load(tmp_path / "key.json").thumbprint == key.thumbprint


def test_an_absent_key_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="keys generate"):
        AgentKey.load(tmp_path / "none.json")


def test_the_thumbprint_is_that_of_the_specification(any_key: AgentKey) -> None:
    assert any_key.thumbprint == thumbprint(any_key.public_jwk)


def test_a_key_whose_halves_do_not_belong_together_is_refused(any_key: AgentKey) -> None:
    other = AgentKey.generate("Ed25519" if any_key.alg == "EdDSA" else "P-256")
    with pytest.raises(KeyFileError):
        AgentKey.from_jwk(any_key.private_jwk() | {"x": other.public_jwk["x"]})


@given(
    st.one_of(
        st.text(), st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "d"]), st.text()).map(json.dumps)
    )
)
def test_whatever_stands_in_a_key_file_it_is_a_key_or_a_typed_error(text: str) -> None:
    with pytest.raises(KeyFileError):
        AgentKey.from_jwk(text)


def test_what_we_sign_another_library_verifies(any_key: AgentKey) -> None:
    token = _jws.build(any_key, {"typ": "JWT"}, {"sub": "agent_alice1"})
    public = jwt.PyJWK(any_key.public_jwk | {"alg": any_key.alg}).key
    assert jwt.decode(token, public, algorithms=[any_key.alg]) == {"sub": "agent_alice1"}


def test_the_secret_is_not_in_the_representation(any_key: AgentKey) -> None:
    assert any_key.private_jwk()["d"] not in repr(any_key)
