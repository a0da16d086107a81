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
        "RequestsAuth",
        "ScopeRefused",
        "TargetRefused",
        "Usage",
        "Verified",
        "Verifier",
        "WSGIMiddleware",
        "__version__",
        "sketch_of",
    ]
    assert all(hasattr(agent_passport, name) for name in agent_passport.__all__)


def test_every_other_module_is_private_but_the_command_line_and_what_needs_a_framework() -> None:
    public = {path.stem for path in SOURCES.glob("*.py") if not path.stem.startswith("_")}
    assert public == {"cli", "django", "fastapi", "httpx2"}


def test_the_modules_for_frameworks_name_these() -> None:
    from agent_passport import django, fastapi, httpx2

    assert callable(django.django_middleware)
    assert {fastapi.FastAPIGuard, fastapi.Denied}
    assert httpx2.__all__ == ["AgentAuth"]


def test_nothing_of_the_server_is_imported() -> None:
    roots = set()
    # The middleware for Django serves services that are made with it, as any of them.
    for path in set(SOURCES.rglob("*.py")) - {SOURCES / "django.py"}:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 10))):
            if isinstance(node, ast.Import):
                roots |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                roots.add((node.module or "").partition(".")[0])
    assert roots & SERVER == set()
