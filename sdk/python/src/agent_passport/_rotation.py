"""Changing an agent's key without a gap: the new one beside the old, then in its place once it is proven."""

from pathlib import Path

from agent_passport._agent import Agent
from agent_passport._errors import ConfigurationError, KeyFileError
from agent_passport._keys import AgentKey

BEGUN = "Register this public half for your agent, beside the old one; then run it again with --finish."
FINISHED = "The new key is in place. Retire the old one in the portal, and delete the file that ends in .old."


def begin_rotation(path: Path, new: AgentKey) -> AgentKey:
    """Save ``new`` beside the key at ``path``; again, and it is the one of before. Raises KeyFileError."""
    AgentKey.load(path)
    beside = _new(path)
    if beside.exists():
        return AgentKey.load(beside)
    new.save(beside)
    return new


def finish_rotation(path: Path, issuer: str, client_id: str) -> AgentKey:
    """Get a passport with the new key, then let it take the old one's place. Raises AgentPassportError.

    Whatever goes wrong, a key that works is at ``path``: the old one has a second name before it
    loses the first.
    """
    if not (issuer and client_id):
        raise ConfigurationError("issuer or client id is missing", cure="Give --issuer and --client-id")
    new = AgentKey.load(_new(path))
    with Agent(issuer, client_id, new) as agent:
        agent.renew()
    old = path.with_name(f"{path.name}.old")
    try:
        old.unlink(missing_ok=True)
        old.hardlink_to(path)
        _new(path).replace(path)
    except OSError as error:
        raise KeyFileError(
            f"{path}: {error.strerror}", cure="Check the folder, then run --finish again"
        ) from error
    return new


def _new(path: Path) -> Path:
    return path.with_name(f"{path.name}.new")
