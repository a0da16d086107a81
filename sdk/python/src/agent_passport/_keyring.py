"""The keyring of the operating system: Keychain, Secret Service, Credential Locker. Optional."""

from types import ModuleType
from typing import Any

from agent_passport._errors import KeyFileError

SERVICE = "agent-passport"


def read(name: str) -> str:
    """Raises KeyFileError."""
    found = _ask("get_password", name)
    if not isinstance(found, str):
        raise KeyFileError(f"the keyring has no key {name}", cure="Save it there: key.save_to_keyring(name)")
    return found


def write(name: str, secret: str) -> None:
    """Raises KeyFileError, also when the name is taken: a key is never overwritten."""
    if _ask("get_password", name) is not None:
        raise KeyFileError(
            f"the keyring has a key {name}", cure="Choose another name: a key is never overwritten"
        )
    _ask("set_password", name, secret)


def _ask(verb: str, name: str, *more: str) -> Any:
    keyring = _library()
    try:
        return getattr(keyring, verb)(SERVICE, name, *more)
    except keyring.errors.KeyringError as error:
        raise KeyFileError(
            f"the keyring cannot be used ({type(error).__name__})",
            cure="Unlock it, or keep the key in a file",
        ) from error


def _library() -> ModuleType:
    # Optional, so not at the top: an agent with a file needs no keyring.
    try:
        import keyring
        import keyring.errors
    except ImportError as error:
        cure = 'Install it: pip install "agent-passport[keyring]"'
        raise KeyFileError("the library for keyrings is not installed", cure=cure) from error
    return keyring
