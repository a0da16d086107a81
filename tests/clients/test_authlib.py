"""Ordinary clients against our token endpoint: a token got by Authlib, verified by PyJWT."""

from datetime import UTC, datetime

import jwt
import pytest
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from cryptography.hazmat.primitives import serialization
from joserfc.jwk import ECKey

from tests.cast import INFER, ISSUER, grant, open_service

AUDIENCE = "https://open.example"


class RealClock:
    """Authlib signs with the machine's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture
def clock() -> RealClock:
    return RealClock()


@pytest.fixture
def session(house, scout) -> OAuth2Session:
    pem = scout.key.handle.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    method = PrivateKeyJWT(token_endpoint=ISSUER, alg="ES256")
    session = OAuth2Session(scout.id, ECKey.import_key(pem), token_endpoint_auth_method=method)
    session.register_client_auth_method(method)
    return session


@pytest.mark.django_db(transaction=True)
def test_a_token_got_by_authlib_is_verified_by_pyjwt_with_our_keys(session, scout, live_server) -> None:
    grant(scout, open_service(AUDIENCE, bound=False)[0], INFER)
    token = session.fetch_token(
        f"{live_server.url}/oauth/token", grant_type="client_credentials", resource=AUDIENCE, scope=INFER
    )
    assert token["token_type"] == "Bearer"
    assert token["scope"] == INFER
    signer = jwt.PyJWKClient(f"{live_server.url}/.well-known/jwks.json").get_signing_key_from_jwt(
        token["access_token"]
    )
    claims = jwt.decode(
        token["access_token"], signer, algorithms=["ES256"], audience=AUDIENCE, issuer=ISSUER,
        options={"require": ["exp", "iat", "jti", "sub", "client_id", "aud", "iss"]},
    )  # fmt: skip
    assert claims["sub"] == claims["client_id"] == scout.id
