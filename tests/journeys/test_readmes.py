"""A new user, who does what the README of each SDK says, from an empty folder to a served call."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.journeys.packages import PYTHON, TYPESCRIPT, node_environment, npm, pack
from tests.journeys.processes import Issuer, answers, free_port
from tests.processes import clean_environment, started

pytestmark = pytest.mark.services

HEADING = "## From an empty folder to a served call\n"
BLOCK = re.compile(r"^```(sh|python|js)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILE_NAME = re.compile(r"(?:#|//) (\S+)\n")
MINUTES_SECONDS = 300
"""Less than five minutes is what a new user is promised."""
REGISTER = """
from foundation import clock
from passport.agents.keys import parse_public_jwk
from passport.agents.models import Agent
from passport.agents.registration import add_key

agent = Agent.objects.get(client_id={agent!r})
add_key(agent, parse_public_jwk({jwk!r}), actor="system:tests", now=clock.now())
"""


class NewUser:
    """Has an empty folder, an account with an agent and a service, and puts their names where the README says."""

    def __init__(
        self, readme: Path, folder: Path, issuer: Issuer, demo: dict[str, Any], agent: dict[str, Any]
    ) -> None:
        self.folder, self.issuer = folder, issuer
        self.agent, self.service = agent["client_id"], demo["services"][0]
        port = str(free_port())
        self.url = f"http://127.0.0.1:{port}"
        self.names = {
            "https://passport.example": issuer.url,
            "https://infer.example": self.service["audience"],
            "agent_01J…": self.agent,
            "svc_…": self.service["client_id"],
            "8800": port,
        }
        text = readme.read_text(encoding="utf-8").split(HEADING)[1].split("\n## ")[0]
        self.blocks = [(kind, self.named(block)) for kind, block in BLOCK.findall(text)]

    def named(self, text: str) -> str:
        for name, ours in self.names.items():
            text = text.replace(name, ours)
        return text

    def write_files(self) -> None:
        for kind, block in self.blocks:
            if kind != "sh":
                found = FILE_NAME.match(block)
                assert found, block
                (self.folder / found[1]).write_text(block, encoding="utf-8")

    def commands(self) -> Iterator[str]:
        for kind, block in self.blocks:
            if kind == "sh":
                yield from block.splitlines()

    def run(self, command: str, environment: dict[str, str]) -> str:
        done = subprocess.run(
            command, shell=True, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def register(self) -> None:
        """What the portal does with the public half."""
        private = json.loads((self.folder / "agent-key.json").read_text(encoding="utf-8"))
        jwk = {name: private[name] for name in ("kty", "crv", "x")}
        self.issuer.run(REGISTER.format(agent=self.agent, jwk=jwk))

    def follow(self, install: Callable[[str], bool], environment: dict[str, str]) -> str:
        """Each step in its turn; what the last one printed. ``install`` says whether it did that step."""
        began = time.monotonic()
        self.write_files()
        *steps, serve, call = self.commands()
        for command in steps:
            if not install(command):
                self.run(command, environment)
        self.register()
        secret = {"SERVICE_SECRET": self.service["client_secret"]}
        with started(
            ["sh", "-c", f"cd {self.folder} && exec {serve}"], environment | secret, self.folder / "log"
        ) as process:
            while not answers(lambda: httpx.post(f"{self.url}/infer").status_code == 401):
                assert process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() - began < MINUTES_SECONDS
            printed = self.run(call, environment)
        assert time.monotonic() - began < MINUTES_SECONDS
        return printed


def test_the_steps_of_the_readme_for_python_end_in_a_served_call(
    python: Path, issuer: Issuer, demo: dict[str, Any], tmp_path: Path
) -> None:
    user = NewUser(PYTHON / "README.md", tmp_path, issuer, demo, demo["agents"][0])
    environment = clean_environment(PATH=f"{python.parent}:/usr/bin:/bin")
    del environment["PYTHONPATH"]

    def install(command: str) -> bool:
        return command == 'pip install "agent-passport[service]"'

    assert user.follow(install, environment) == f"{{'hello': '{user.agent}'}}\n"


def test_the_steps_of_the_readme_for_typescript_end_in_a_served_call(
    issuer: Issuer, demo: dict[str, Any], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    user = NewUser(TYPESCRIPT / "README.md", tmp_path, issuer, demo, demo["agents"][1])

    def install(command: str) -> bool:
        # From the packed file instead of the registry.
        words = command.split()
        if words[:3] != ["npm", "install", "agent-passport"]:
            return False
        npm("install", str(pack(tmp_path_factory.mktemp("pack"))), *words[3:], cwd=tmp_path)
        return True

    assert user.follow(install, node_environment()) == f"{{ hello: '{user.agent}' }}\n"
