"""Whatever a problem's ``type`` points at is on the page, with a cure (STANDARDS section 17)."""

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.test import Client

import agent_passport
import passport
from foundation.web import failures
from foundation.web.problems import problem
from passport.oauth.problem_types import PROBLEMS, SERVICE_REASONS
from passport.oauth.reasons import CODES, REASONS

pytestmark = pytest.mark.django_db
KINDS = re.compile(r'(?:problem|refuse|_explain|ApiRefused)\(\s*(?:\d{3}|status),\s*"([a-z_-]+)"')
STATUSES = re.compile(r"failure\(\s*request,\s*(\d{3})")
AT_A_SERVICE = re.compile(
    r'(?:Refused\(|[A-Z_]+ = |bad_token\([^)]*, |(?:suspended|revoked|unknown)": )"([a-z]+(?:_[a-z]+)*)"'
)


def source_of(module) -> str:
    return "\n".join(path.read_text() for path in Path(module.__file__).parent.rglob("*.py"))


def shown_codes() -> set[str]:
    return {entry.code for entry in (*CODES, *REASONS, *SERVICE_REASONS, *PROBLEMS)}


def test_every_kind_of_problem_that_we_answer_with_is_explained() -> None:
    said = set(KINDS.findall(source_of(passport)))
    said |= {f"http-{status}" for status in STATUSES.findall(source_of(failures))}
    assert len(said) > 8
    assert said - shown_codes() == set()


def test_every_reason_that_the_sdk_gives_at_a_service_is_explained() -> None:
    said = {
        code
        for name in ("_standing.py", "_verifier.py", "_limits.py", "_call.py", "_proofs.py", "_routes.py")
        for code in AT_A_SERVICE.findall((Path(agent_passport.__file__).parent / name).read_text())
    }
    assert {"agent_denied", "status_unavailable", "missing", "agent_unknown"} <= said
    assert said - {"good"} - shown_codes() == set(), "good is no refusal"


def test_a_problem_points_at_its_entry_on_the_page() -> None:
    kind = urlsplit(problem_type := _type_of(problem(404, "unknown-status-list", "", "")))
    assert kind.path == "/docs/errors", problem_type
    assert f'id="{kind.fragment}"' in Client().get(kind.path).content.decode()


def test_no_anchor_of_the_page_stands_twice() -> None:
    ids = re.findall(r' id="([^"]+)"', Client().get("/docs/errors").content.decode())
    assert sorted(ids) == sorted(set(ids))
    assert shown_codes() <= set(ids)


def _type_of(answer) -> str:
    return json.loads(answer.content)["type"]
