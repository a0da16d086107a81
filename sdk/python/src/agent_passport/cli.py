"""``agent-passport``: keys, passports, tokens and calls from a terminal."""

import json
import os
import sys
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from agent_passport import _cli_agents, _inspect, _login, _receipt
from agent_passport._agent import Agent, scopes_of
from agent_passport._auth import AgentAuth
from agent_passport._cli_output import ExitCode, failures_told, show
from agent_passport._credential import Credential
from agent_passport._device import Asked
from agent_passport._doctor import examine
from agent_passport._errors import ConfigurationError, IssuerUnreachable
from agent_passport._flow import check_issuer
from agent_passport._grants import Held
from agent_passport._keys import AgentKey, Kind
from agent_passport._management import Management
from agent_passport._rotation import BEGUN, FINISHED, begin_rotation, finish_rotation

EPILOG = (
    "Exit codes: 0 done; 1 refused by the issuer or the service; 2 wrong option, key file or environment; "
    "3 unreachable or busy; 4 the token is not valid; 5 doctor found something."
)
app = typer.Typer(no_args_is_help=True, add_completion=False, epilog=EPILOG, pretty_exceptions_enable=False)
keys_app = typer.Typer(no_args_is_help=True, help="The agent's key.")
passport_app = typer.Typer(no_args_is_help=True, help="The agent's passport.")
app.add_typer(keys_app, name="keys")
app.add_typer(passport_app, name="passport")
app.add_typer(_cli_agents.app, name="agents")

Json = Annotated[bool, typer.Option("--json", help="One JSON object instead of lines for people.")]
Issuer = Annotated[str, typer.Option(envvar="AGENT_PASSPORT_ISSUER", help="The issuer's address.")]
ClientId = Annotated[str, typer.Option(envvar="AGENT_PASSPORT_CLIENT_ID", help="The agent's id, agent_….")]
KeyFile = Annotated[str, typer.Option("--key", envvar="AGENT_PASSPORT_KEY", help="The agent's key file.")]
State = Annotated[
    str, typer.Option(envvar="AGENT_PASSPORT_STATE", help="A folder in which the passport is kept.")
]
Show = Annotated[bool, typer.Option("--show-token", help="Print the token itself. Whoever reads it has it.")]
Audience = Annotated[str, typer.Option(help="The service's URI at the issuer.")]
Scope = Annotated[str, typer.Option(help="Scopes with spaces between; all that are held when left out.")]


@app.callback()
def about() -> None:
    """Agent Passport: keys, passports, tokens and calls of an agent."""


@keys_app.command("generate")
def generate(
    out: Annotated[
        str, typer.Option(envvar="AGENT_PASSPORT_KEY", help="The file to write, or to read with --public.")
    ] = "agent-key.json",
    public: Annotated[
        bool, typer.Option("--public", help="Make nothing: print the public half of the key in --out.")
    ] = False,
    kind: Annotated[str, typer.Option(help="Ed25519 or P-256.")] = "Ed25519",
    as_json: Json = False,
) -> None:
    """Make a key in a file that only you can read, and print its public half for the portal."""
    with failures_told(as_json=as_json):
        key = AgentKey.load(out) if public else _new_key(kind)
        if not public:
            key.save(out)
    if as_json:
        result = {"file": out, "alg": key.alg, "thumbprint": key.thumbprint, "public_jwk": key.public_jwk}
        show(result, as_json=True)
        return
    if not public:
        typer.echo(f"The key is in {out}. Register this public half for your agent:", file=sys.stderr)
    typer.echo(json.dumps(key.public_jwk))


def _new_key(kind: str) -> AgentKey:
    known: dict[str, Kind] = {"ed25519": "Ed25519", "p-256": "P-256"}
    if kind.lower() not in known:
        raise ConfigurationError(f"{kind} is no kind of key", cure="Use --kind Ed25519 or --kind P-256")
    return AgentKey.generate(known[kind.lower()])


@keys_app.command("rotate")
def rotate(
    key: KeyFile = "",
    kind: Annotated[str, typer.Option(help="Ed25519 or P-256.")] = "Ed25519",
    finish: Annotated[
        bool,
        typer.Option(
            "--finish", help="The new key is registered: prove it, and put it in the old one's place."
        ),
    ] = False,
    issuer: Issuer = "",
    client_id: ClientId = "",
    as_json: Json = False,
) -> None:
    """Change the key without a gap, in two steps.

    First a new key is made beside the old one, which goes on working; register its public half. Then
    --finish gets a passport with the new key, and only if that works lets it take the old one's place. The
    old one is kept as FILE.old: retire it in the portal, and delete it.
    """
    with failures_told(as_json=as_json):
        path = Path(_need(key, "--key"))
        new = finish_rotation(path, issuer, client_id) if finish else begin_rotation(path, _new_key(kind))
    result = {
        "file": str(path if finish else path.with_name(f"{path.name}.new")),
        "thumbprint": new.thumbprint,
    }
    show(result | {"public_jwk": new.public_jwk}, as_json=as_json)
    if not as_json:
        told = FINISHED if finish else BEGUN
        typer.echo(told, file=sys.stderr)


@passport_app.command("show")
def show_passport(
    issuer: Issuer = "",
    client_id: ClientId = "",
    key: KeyFile = "",
    state: State = "",
    show_token: Show = False,
    as_json: Json = False,
) -> None:
    """The passport, obtained if there is none, and what stands in it."""
    with failures_told(as_json=as_json), _agent(issuer, client_id, key, state) as agent:
        show(_passport(agent.passport(), show_token), as_json=as_json)


@passport_app.command("renew")
def renew_passport(
    issuer: Issuer = "",
    client_id: ClientId = "",
    key: KeyFile = "",
    state: State = "",
    show_token: Show = False,
    as_json: Json = False,
) -> None:
    """A new passport now, by possession of the key."""
    with failures_told(as_json=as_json), _agent(issuer, client_id, key, state) as agent:
        show(_passport(agent.renew(), show_token), as_json=as_json)


@passport_app.command("verify")
def verify_passport(
    issuer: Issuer = "", client_id: ClientId = "", key: KeyFile = "", state: State = "", as_json: Json = False
) -> None:
    """Check the passport as a stranger would: signature, time, status."""
    with failures_told(as_json=as_json), _agent(issuer, client_id, key, state) as agent:
        _verify(agent.passport().value, agent.issuer, as_json, now=agent.clock.now())


@app.command()
def login(
    audience: Annotated[
        str, typer.Option(help="A service, to act for the person there; left out: manage their account.")
    ] = "",
    scope: Scope = "",
    issuer: Issuer = "",
    client_id: ClientId = "",
    key: KeyFile = "",
    show_token: Show = False,
    as_json: Json = False,
) -> None:
    """Ask a person for access: shows a page and a code, and waits until they have decided there.

    Without --audience it is to manage one of their accounts, with the commands under agents; the login is
    kept in a file that only you can read. With --audience it is an agent's, to act for the person at that
    service: bound to the agent's key, and not kept.
    """
    if not audience:
        _log_in_to_manage(issuer, scope, as_json)
        return
    with failures_told(as_json=as_json), _agent(issuer, client_id, key, "") as agent:
        show(_token(audience, agent.log_in(audience, scope, _tell_page), show_token), as_json=as_json)


def _log_in_to_manage(issuer: str, scope: str, as_json: bool) -> None:
    with failures_told(as_json=as_json):
        store = _login.LoginStore(check_issuer(_need(issuer, "--issuer")))
        with httpx.Client(timeout=20) as client:
            # By name in this module: what it shows is what the person types.
            found = _login.log_in(issuer, scope or _login.SCOPES, lambda asked: _tell_page(asked), client)
        store.save(found)
        result: dict[str, Any] = {"scopes": sorted(found.held.scopes)}
        if "account.read" in found.held.scopes:
            with Management(issuer) as api:
                me = api.call("GET", "/me")
            result = {"account": me["account"], "role": me["role"], **result}
    show(result | {"kept_in": str(store.path)}, as_json=as_json)


@app.command()
def logout(issuer: Issuer = "", as_json: Json = False) -> None:
    """End the login: at the issuer, and in the file that kept it."""
    with failures_told(as_json=as_json):
        store = _login.LoginStore(check_issuer(_need(issuer, "--issuer")))
        found = store.load()
        store.forget()
        with httpx.Client(timeout=20) as client:
            _login.end(found, client)
    show({"logged_in": False}, as_json=as_json)


def _tell_page(asked: Asked) -> None:
    """On stderr: what is on stdout is the result."""
    typer.echo(f"Open {asked.page} and type {asked.user_code}", file=sys.stderr)
    if asked.page_with_code != asked.page:
        typer.echo(f"or open {asked.page_with_code}", file=sys.stderr)
    typer.echo("Waiting for the decision …", file=sys.stderr)


@app.command()
def token(
    audience: Audience,
    scope: Scope = "",
    issuer: Issuer = "",
    client_id: ClientId = "",
    key: KeyFile = "",
    state: State = "",
    show_token: Show = False,
    as_json: Json = False,
) -> None:
    """Exchange the passport for an access token for one service."""
    with failures_told(as_json=as_json), _agent(issuer, client_id, key, state) as agent:
        show(_token(audience, agent.token(audience, scope), show_token), as_json=as_json)


def _token(audience: str, held: Held, show_token: bool) -> dict[str, Any]:
    result = {
        "audience": audience,
        "scopes": sorted(held.scopes),
        "token_type": held.token_type,
        "expires_at": _moment(held.expires_at),
    }
    return result | ({"access_token": held.value} if show_token else {})


@app.command()
def call(
    url: str,
    audience: Audience,
    scope: Scope = "",
    method: Annotated[str, typer.Option(help="The method; POST where there is --data.")] = "",
    data: Annotated[str, typer.Option(help="The body: text, or @FILE. JSON is sent as JSON.")] = "",
    issuer: Issuer = "",
    client_id: ClientId = "",
    key: KeyFile = "",
    state: State = "",
    as_json: Json = False,
) -> None:
    """Call a service with a token and a proof, and print what it answers."""
    with failures_told(as_json=as_json), _agent(issuer, client_id, key, state) as agent:
        body = _body(data)
        headers = {"Content-Type": "application/json"} if _is_json(body) else {}
        verb = method.upper() or ("POST" if body else "GET")
        try:
            with httpx.Client(auth=AgentAuth(agent, audience, scopes_of(scope)), timeout=60) as client:
                response = client.request(verb, url, content=body or None, headers=headers)
        except (httpx.TransportError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise IssuerUnreachable(
                f"no answer from {url} ({type(error).__name__})", cure="Check it"
            ) from error
    _print_response(response, as_json)
    if response.status_code >= 400:
        raise typer.Exit(ExitCode.REFUSED)


@app.command()
def verify(
    token: Annotated[str, typer.Argument(help="The token, or - to read it from stdin.")],
    issuer: Issuer = "",
    as_json: Json = False,
) -> None:
    """Check an access token or a passport: signature, time, status. It proves nothing about who holds it."""
    with failures_told(as_json=as_json):
        whole = sys.stdin.read() if token == "-" else token  # noqa: S105
        _verify(whole.strip(), check_issuer(_need(issuer, "--issuer")), as_json)


@app.command("verify-receipt")
def verify_receipt(
    receipt: Annotated[str, typer.Argument(help="The receipt, or - to read it from stdin.")],
    keys: Annotated[str, typer.Option(help="A file with the issuer's key set of that day.")],
    issuer: Issuer = "",
    as_json: Json = False,
) -> None:
    """Check the receipt of a revocation batch without asking anybody, and show what was done."""
    with failures_told(as_json=as_json):
        whole = sys.stdin.read() if receipt == "-" else receipt
        try:
            claims = _receipt.verify_receipt(whole, keys, issuer)
        except _inspect.NotValid as error:
            show({"valid": False, "reason": str(error)}, as_json=as_json)
            raise typer.Exit(ExitCode.NOT_VALID) from error
        show({"valid": True, **claims}, as_json=as_json)


@app.command()
def doctor(
    issuer: Issuer = "", client_id: ClientId = "", key: KeyFile = "", state: State = "", as_json: Json = False
) -> None:
    """Say what is wrong with key, clock, network, issuer and passport, and what to do about it."""
    with failures_told(as_json=as_json):
        options = (
            check_issuer(_need(issuer, "--issuer")),
            _need(client_id, "--client-id"),
            _need(key, "--key"),
        )
    findings = list(examine(*options, state or None))
    healthy = all(finding.good for finding in findings)
    if as_json:
        rows = [{"what": f.what, "good": f.good, "words": f.words, "cure": f.cure} for f in findings]
        show({"healthy": healthy, "findings": rows}, as_json=True)
    else:
        for finding in findings:
            typer.echo(f"{'ok  ' if finding.good else 'BAD '} {finding.what:<9} {finding.words}")
            if finding.cure:
                typer.echo(f"     {'':<9} → {finding.cure}")
    if not healthy:
        raise typer.Exit(ExitCode.UNHEALTHY)


def _agent(issuer: str, client_id: str, key: str, state: str) -> Agent:
    return Agent(
        _need(issuer, "--issuer"),
        _need(client_id, "--client-id"),
        _need(key, "--key"),
        state=Path(state).expanduser() if state else None,
    )


def _need(value: str, option: str) -> str:
    if not value:
        variable = f"AGENT_PASSPORT_{option.strip('-').replace('-', '_').upper()}"
        raise ConfigurationError(f"{option} is missing", cure=f"Give {option}, or set {variable}")
    return value


def _passport(held: Held, show_token: bool) -> dict[str, Any]:
    claims: dict[str, Any] = {}
    # The issuer alone decides what its passports look like; what it told beside it is enough.
    with suppress(_inspect.NotValid):
        claims = _inspect.read_unverified(held.value).claims
    result = {
        "agent": claims.get("sub"),
        "scopes": sorted(held.scopes),
        "expires_at": _moment(held.expires_at),
        "assurance": claims.get("assurance"),
        "limits": claims.get("limits"),
    }
    return result | ({"passport": held.value} if show_token else {})


def _verify(token: str, issuer: str, as_json: bool, now: float | None = None) -> None:
    try:
        credential, status = _inspect.inspect(token, issuer, now=now)
    except _inspect.NotValid as error:
        show({"valid": False, "reason": str(error)}, as_json=as_json)
        raise typer.Exit(ExitCode.NOT_VALID) from error
    show(_verified(credential, status), as_json=as_json)
    if status != "valid":
        raise typer.Exit(ExitCode.NOT_VALID)


def _verified(credential: Credential, status: str) -> dict[str, Any]:
    return {
        "valid": status == "valid",
        "status": status,
        "agent": credential.agent,
        "audience": credential.claims.get("aud"),
        "scopes": sorted(credential.scopes),
        "expires_at": _moment(credential.expires_at),
        "bound_to": credential.thumbprint,
        "assurance": credential.claims.get("assurance"),
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _body(data: str) -> bytes:
    if not data.startswith("@"):
        return data.encode()
    try:
        return Path(data[1:]).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{data[1:]} cannot be read", cure="Check the name after @") from error


def _is_json(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), (dict, list))
    except ValueError:
        return False


def _print_response(response: httpx.Response, as_json: bool) -> None:
    if as_json:
        headers = dict(response.headers)
        show({"status": response.status_code, "headers": headers, "body": response.text}, as_json=True)
        return
    if response.status_code >= 400:
        typer.echo(f"HTTP {response.status_code}", file=sys.stderr)
        for name in ("WWW-Authenticate", "Retry-After", "RateLimit"):
            if name in response.headers:
                typer.echo(f"{name}: {response.headers[name]}", file=sys.stderr)
    typer.echo(response.text)


def main() -> None:
    # A closed pipe ends the command quietly, as with other tools.
    try:
        app()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(ExitCode.DONE) from None
