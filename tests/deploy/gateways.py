"""nginx and Envoy with the files of deploy/, before a service that says what reached it."""

import base64
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.processes import BIN, clean_environment, free_port, started, wait_until_answers

DEPLOY = Path(__file__).parent.parent.parent / "deploy"


class Told(BaseHTTPRequestHandler):
    """Answers with the method, path, headers and body of the request."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        headers = [(name.lower(), value) for name, value in self.headers.items()]
        told = json.dumps(
            {"method": self.command, "path": self.path, "headers": headers, "body": body}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def upstream() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Told)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def basic(service_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{service_id}:{secret}".encode()).decode()


@contextmanager
def nginx(folder: Path, issuer: str, service: str, shown: str) -> Iterator[str]:
    binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if binary is None:
        pytest.fail("nginx is missing: install it (apt-get install nginx-light)")
    port = free_port()
    site = (DEPLOY / "nginx" / "gateway.conf").read_text()
    site = site.replace("server web:8000;", f"server {issuer};").replace("service:8000", service)
    site = site.replace("listen 8080;", f"listen 127.0.0.1:{port};").replace(
        "passport.example", "passport.test"
    )
    (folder / "passport-gateway.conf").write_text(f'proxy_set_header Passport-Gateway "{shown}";\n')
    paths = "\n".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;\n"
        f"events {{}}\nhttp {{ access_log off; {paths}\n{site}\n}}\n"
    )
    command = [binary, "-c", str(folder / "nginx.conf"), "-p", str(folder)]
    with started(command, clean_environment(), folder / "nginx.log") as process:
        wait_until_answers(f"http://127.0.0.1:{port}/", process)
        yield f"http://127.0.0.1:{port}"


@contextmanager
def envoy(folder: Path, issuer: str, service: str, shown: str) -> Iterator[str]:
    port = free_port()
    site = (DEPLOY / "envoy" / "gateway.yaml").read_text()
    site = site.replace("address: 0.0.0.0, port_value: 8080", f"address: 127.0.0.1, port_value: {port}")
    site = re.sub(r'value: "Basic [^"]+"', f'value: "{shown}"', site)
    for name, place in (("web", issuer), ("service", service)):
        host, _, number = place.partition(":")
        site = site.replace(f"address: {name}, port_value: 8000", f"address: {host}, port_value: {number}")
    (folder / "envoy.yaml").write_text(site)
    command = [str(BIN / "envoy"), "-c", str(folder / "envoy.yaml"), "--concurrency", "1", "-l", "error"]
    command += ["--use-dynamic-base-id"]
    with started(command, clean_environment(), folder / "envoy.log") as process:
        wait_until_answers(f"http://127.0.0.1:{port}/", process)
        yield f"http://127.0.0.1:{port}"


def is_valid_envoy(file: Path) -> subprocess.CompletedProcess[str]:
    """Envoy's own check of a configuration."""
    command = [str(BIN / "envoy"), "--mode", "validate", "-c", str(file), "-l", "error"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
