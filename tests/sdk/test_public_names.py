import ast
from pathlib import Path

import agent_passport

SOURCES = Path(agent_passport.__file__).parent
SERVER = {"accounts", "attestation", "config", "foundation", "passport", "django", "rest_framework"}


def test_the_public_names_are_these() -> None:
    assert agent_passport.__all__ == [
        "ASGIMiddleware",
        "Agent",
        "AgentAuth",
        "AgentKey",
        "AgentPassportError",
        "AgentRestricted",
        "Allowance",
        "ClientRefused",
        "ConfigurationError",
        "IssuerAnswerInvalid",
        "IssuerBusy",
        "IssuerRefused",
        "IssuerUnreachable",
        "KeyFileError",
        "MemoryReplay",
        "Need",
        "PassportRefused",
        "ProofRefused",
        "RedisReplay",
        "Refusal",
        "ReplayStore",
        "ReplayUnavailable",
        "ScopeRefused",
        "TargetRefused",
        "Verified",
        "Verifier",
        "WSGIMiddleware",
        "__version__",
    ]
    assert all(hasattr(agent_passport, name) for name in agent_passport.__all__)


def test_every_other_module_is_private_but_the_command_line() -> None:
    public = {path.stem for path in SOURCES.glob("*.py") if not path.stem.startswith("_")}
    assert public <= {"cli"}


def test_nothing_of_the_server_is_imported() -> None:
    roots = set()
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 10))):
            if isinstance(node, ast.Import):
                roots |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                roots.add((node.module or "").partition(".")[0])
    assert roots & SERVER == set()
