"""``agent-passport agents …``: the account's agents, for the person who logged in."""

import json
import sys
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from agent_passport._cli_output import failures_told, show
from agent_passport._errors import ConfigurationError
from agent_passport._keys import AgentKey
from agent_passport._management import Management

app = typer.Typer(no_args_is_help=True, help="The agents of the account that you logged in to.")

Json = Annotated[bool, typer.Option("--json", help="One JSON object instead of lines for people.")]
Issuer = Annotated[str, typer.Option(envvar="AGENT_PASSPORT_ISSUER", help="The issuer's address.")]


@app.command("register")
def register(
    name: Annotated[str, typer.Option(help="As services and people will read it.")],
    purpose: Annotated[str, typer.Option(help="What it does, in a sentence.")] = "",
    software: Annotated[str, typer.Option(help="Its program and version.")] = "",
    environment: Annotated[
        str, typer.Option(help="sandbox or live; it cannot be changed later.")
    ] = "sandbox",
    key: Annotated[
        str,
        typer.Option("--key", envvar="AGENT_PASSPORT_KEY", help="Its key file; made where there is none."),
    ] = "agent-key.json",
    jwks_uri: Annotated[
        str, typer.Option("--jwks-uri", help="Where it publishes its keys, instead of a key file.")
    ] = "",
    reach: Annotated[
        list[str] | None, typer.Option(help="AUDIENCE=SCOPE SCOPE…: what it may reach. May be repeated.")
    ] = None,
    issuer: Issuer = "",
    as_json: Json = False,
) -> None:
    """Register an agent by its public key, and say what it may reach.

    The private key stays in its file; nothing of it is sent.
    """
    with failures_told(as_json=as_json), Management(_need(issuer)) as api:
        wanted = [_read_reach(one) for one in reach or []]
        services = {audience: _service(api, audience, environment) for audience, _ in wanted}
        about = {"name": name, "purpose": purpose, "software": software, "environment": environment}
        source = {"jwks_uri": jwks_uri} if jwks_uri else {"jwk": _load_or_make(Path(key)).public_jwk}
        made = api.call("POST", "/agents", {**about, **source}, **{"Idempotency-Key": str(uuid.uuid4())})
        _tell(f"{made['id']} is registered.", as_json)
        for audience, scopes in wanted:
            path = f"/agents/{made['id']}/grants/{services[audience]}"
            api.call("PUT", path, {"scopes": scopes})
            _tell(f"It may reach {audience}: {' '.join(scopes)}", as_json)
    show({**made, "key": None if jwks_uri else key}, as_json=as_json)
    if not jwks_uri:
        _tell(f"export AGENT_PASSPORT_CLIENT_ID={made['id']} AGENT_PASSPORT_KEY={key}", as_json)


@app.command("list")
def list_agents(
    environment: Annotated[str, typer.Option(help="sandbox or live; both when left out.")] = "",
    state: Annotated[str, typer.Option(help="active, throttled, suspended, revoked or closed.")] = "",
    issuer: Issuer = "",
    as_json: Json = False,
) -> None:
    """All agents, the newest first."""
    with failures_told(as_json=as_json), Management(_need(issuer)) as api:
        rows = list(api.pages("/agents", "agents", environment=environment, state=state))
    if as_json:
        show({"agents": rows}, as_json=True)
    else:
        _table(rows, ("id", "state", "environment", "name"), empty="There is no such agent.")


@app.command("show")
def show_agent(
    agent: Annotated[str, typer.Argument(envvar="AGENT_PASSPORT_CLIENT_ID", help="The agent's id, agent_….")],
    issuer: Issuer = "",
    as_json: Json = False,
) -> None:
    """One agent with its keys, what it may reach, and its passports."""
    with failures_told(as_json=as_json), Management(_need(issuer)) as api:
        whole = api.call("GET", f"/agents/{agent}")
        parts = {
            name: list(api.pages(f"/agents/{agent}/{name}", name)) for name in ("keys", "grants", "passports")
        }
    if as_json:
        show({**whole, **parts}, as_json=True)
        return
    show(whole, as_json=False)
    for name, columns in (
        ("keys", ("id", "state", "thumbprint")),
        ("grants", ("audience", "scopes")),
        ("passports", ("jti", "state", "reason", "expires_at")),
    ):
        typer.echo(f"\n{name}")
        _table(parts[name], columns, empty="  none")


def _service(api: Management, audience: str, environment: str) -> str:
    """The id of the service there. Raises ConfigurationError, before anything is registered."""
    for offer in api.pages("/offers", "offers", environment=environment, audience=audience):
        return str(offer["service"])
    raise ConfigurationError(
        f"no {environment} service is registered as {audience}", cure="Check --reach and --environment"
    )


def _read_reach(text: str) -> tuple[str, list[str]]:
    audience, equals, scopes = text.partition("=")
    if not (audience and equals and scopes.split()):
        raise ConfigurationError(
            f"{text} names no scopes", cure='Write --reach "https://service.example=scope scope"'
        )
    return audience, scopes.split()


def _load_or_make(path: Path) -> AgentKey:
    if path.exists():
        return AgentKey.load(path)
    made = AgentKey.generate()
    made.save(path)
    return made


def _table(rows: Iterable[Mapping[str, Any]], columns: tuple[str, ...], *, empty: str) -> None:
    cells = [[_cell(row.get(name)) for name in columns] for row in rows]
    widths = [max((len(line[place]) for line in cells), default=0) for place in range(len(columns))]
    for line in cells:
        typer.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
    if not cells:
        typer.echo(empty)


def _cell(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _tell(words: str, as_json: bool) -> None:
    """Progress, on stderr: what is on stdout is the result."""
    if not as_json:
        typer.echo(words, file=sys.stderr)


def _need(issuer: str) -> str:
    if not issuer:
        raise ConfigurationError("--issuer is missing", cure="Give --issuer, or set AGENT_PASSPORT_ISSUER")
    return issuer
