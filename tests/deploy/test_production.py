"""The production shape as a whole: settings that refuse, web and feed processes, nginx in front."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.processes import Production, free_port, production, started

pytestmark = pytest.mark.services

DEPLOY = Path(__file__).parent.parent.parent / "deploy"


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def shape(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Production]:
    folder = tmp_path_factory.mktemp("shape")
    with production(folder, f"https://passport.test:{port}", AP_BEHIND_PROXY="1") as running:
        yield running


@pytest.fixture(scope="module")
def front(shape: Production, port: int) -> Iterator[httpx.Client]:
    """nginx with the file of deploy/, in front of a web process and a feed process."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.fail("nginx is missing: install it (apt-get install nginx-light)")
    web, feed = shape.web("wsgi"), shape.web("asgi")
    folder = shape.folder
    make_certificate(folder)
    (folder / "nginx.conf").write_text(nginx_configuration(folder, web, feed, port))
    with (
        started(
            [nginx, "-c", str(folder / "nginx.conf"), "-p", str(folder)],
            shape.environment,
            folder / "nginx.log",
        ),
        httpx.Client(
            base_url=f"https://127.0.0.1:{port}", verify=False, headers={"Host": f"passport.test:{port}"}
        ) as client,
    ):
        wait_for_front(client, folder / "nginx.log")
        yield client


def make_certificate(folder: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
         "-subj", "/CN=passport.test", "-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"],
        check=True, capture_output=True,
    )  # fmt: skip


def nginx_configuration(folder: Path, web: str, feed: str, port: int) -> str:
    """The file as it is delivered; only names, ports and paths of this test are put in."""
    site = (DEPLOY / "nginx" / "agent-passport.conf").read_text()
    site = site.replace("server web:8000;", f"server {web.removeprefix('http://')};")
    site = site.replace("server feed:8000;", f"server {feed.removeprefix('http://')};")
    site = site.replace("/etc/nginx/tls/", f"{folder}/").replace("passport.example", "passport.test")
    site = re.sub(r"listen 443 ssl;\n    http2 on;", f"listen 127.0.0.1:{port} ssl;", site)
    site = site.replace("listen 80;", f"listen 127.0.0.1:{free_port()};")
    paths = "\n".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;\n"
        f"events {{}}\nhttp {{ access_log off; {paths}\n{site}\n}}\n"
    )


def wait_for_front(client: httpx.Client, log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    pytest.fail(f"nginx did not answer: {log.read_text()[-2000:]}")


def test_a_deployment_passes_djangos_own_check(shape: Production) -> None:
    done = shape.manage("check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("AP_SECRET_KEY", "change-me", "make_secret"),
        ("AP_SECRET_KEY", "", "make_secret"),
        ("AP_KEY_RING", "", "make_secret"),
        ("AP_KEY_RING", "k1:" + "A" * 40, "32 bytes"),
        ("AP_DATABASE_URL", "", "PostgreSQL"),
        ("AP_DATABASE_URL", "sqlite:///x", "PostgreSQL"),
        ("AP_ADMISSION_REDIS_URL", "", "noeviction"),
        ("AP_BROKER_URL", "", "broker"),
        ("AP_ISSUER", "https://passport.test/", "trailing slash"),
        ("AP_ISSUER", "https://passport.test/path", "origin"),
    ],
)
def test_production_refuses_to_start_without(shape: Production, name: str, value: str, words: str) -> None:
    done = shape.manage("check", **{name: value})
    assert done.returncode != 0
    assert name in done.stderr
    assert words in done.stderr


def test_production_refuses_plain_http(shape: Production) -> None:
    done = shape.manage("check", AP_ISSUER="http://passport.test", AP_ALLOW_PLAIN_HTTP="0")
    assert "must be https" in done.stderr


def test_production_has_no_demo_and_no_development_mail(shape: Production, front: httpx.Client) -> None:
    assert shape.manage("demo", "--json").returncode != 0
    assert shape.manage("serve").returncode != 0
    assert front.get("/dev/mail").status_code == 404


def test_the_first_operator_is_made_by_command_and_logs_no_password(shape: Production) -> None:
    done = shape.manage("create_operator", "Ops@Example.com", AP_OPERATOR_PASSWORD="correct horse battery 9")
    assert done.returncode == 0, done.stderr
    assert "ops@example.com is staff with operator" in done.stdout
    again = shape.manage("create_operator", "ops@example.com", "--role", "approver")
    assert again.returncode == 0, again.stderr
    weak = shape.manage("create_operator", "weak@example.com", AP_OPERATOR_PASSWORD="short")
    assert weak.returncode != 0


def test_pages_endpoints_and_static_files_come_through_nginx(front: httpx.Client) -> None:
    page = front.get("/accounts/login/")
    assert page.status_code == 200
    style = re.search(r'href="(/static/ap/tokens[^"]+)"', page.text)
    assert style is not None
    assert front.get(style[1]).status_code == 200
    refused = front.post("/oauth/token", data={"grant_type": "password"})
    assert (refused.status_code, refused.json()["error"]) == (400, "unsupported_grant_type")


@pytest.mark.shows("META-01")
def test_forged_forwarding_headers_change_nothing(front: httpx.Client) -> None:
    metadata = front.get("/.well-known/oauth-authorization-server").text
    forged = {
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "host=evil.example",
        "X-Forwarded-Proto": "http",
    }
    assert front.get("/.well-known/oauth-authorization-server", headers=forged).text == metadata
    assert "evil.example" not in metadata


def test_what_is_for_the_machine_alone_is_not_served(front: httpx.Client) -> None:
    assert front.get("/metrics").status_code == 404


def test_the_feed_comes_from_the_feed_process_and_asks_for_a_token(front: httpx.Client) -> None:
    answer = front.get("/v1/events", headers={"Accept": "text/event-stream"})
    assert answer.status_code == 401
    assert "WWW-Authenticate" in answer.headers


def test_a_body_over_a_mebibyte_is_refused(front: httpx.Client) -> None:
    assert front.post("/oauth/token", content=b"a" * (1 << 20) + b"aa").status_code == 413
