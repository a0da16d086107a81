"""The grants of this server's own, by ``grant_type``. Each raises an OAuthError or gives the answer."""

from collections.abc import Callable, Mapping

from passport.exchange.authorization_code import grant_authorization_code
from passport.exchange.client_credentials import grant_client_credentials
from passport.exchange.device import grant_device_code
from passport.exchange.refresh import grant_refresh_token
from passport.exchange.request import Answer, TokenRequest
from passport.exchange.token_exchange import exchange_token
from passport.protocol import (
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    REFRESH_TOKEN,
    TOKEN_EXCHANGE,
)

GRANTS: Mapping[str, Callable[[TokenRequest], Answer]] = {
    TOKEN_EXCHANGE: exchange_token,
    CLIENT_CREDENTIALS: grant_client_credentials,
    AUTHORIZATION_CODE: grant_authorization_code,
    REFRESH_TOKEN: grant_refresh_token,
    DEVICE_CODE: grant_device_code,
}
