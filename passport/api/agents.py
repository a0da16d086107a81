"""``/v1/agents``: list, show, register, change, close. As in the portal, by the same functions."""

from typing import Final

from django.db.models import Q, QuerySet

from passport import conf
from passport.agents.changing import About, ChangedMeanwhile, change_agent, read_about
from passport.agents.client_metadata import MOST_URL, read_url
from passport.agents.keys import BadKey, PublicKey, parse_public_jwk
from passport.agents.models import Agent
from passport.agents.names import BadName
from passport.agents.own_api import READ_AGENTS, WRITE_AGENTS
from passport.agents.registration import (
    Closed,
    RegistrationRefused,
    TooManyAgents,
    close_agent,
    register_agent,
)
from passport.api.bodies import Members
from passport.api.callers import MAKERS, Caller
from passport.api.doors import Answer, Asked, Call, api_door, changed_meanwhile, etag_of
from passport.api.refusals import ApiRefused, not_found, wrong
from passport.api.shapes import page_of, show_agent, version_of
from passport.errors import InvalidClientMetadata
from passport.fields import Effect
from passport.standing.states import WORDS, account_effect, agent_rows

ENVIRONMENTS: Final = ("sandbox", "live")
EFFECTS: Final = {word: effect for effect, word in WORDS.items()}
STATES: Final = (*EFFECTS, "closed")
MEMBERS: Final = ("name", "purpose", "software", "environment", "jwk", "jwks_uri")


def agents_of(caller: Caller) -> QuerySet[Agent]:
    return Agent.objects.filter(account_id=caller.account_id)


def get_agent(caller: Caller, agent_id: str) -> Agent:
    """Raises ApiRefused (404), also for another account's."""
    agent = agents_of(caller).filter(client_id=agent_id).first()
    if agent is None:
        raise not_found("agent")
    return agent


def get_open_agent(caller: Caller, agent_id: str) -> Agent:
    """One that may be changed. Raises ApiRefused: 404, 409 (closed), 403 (the account is restricted)."""
    agent = get_agent(caller, agent_id)
    if agent.state == Agent.State.CLOSED:
        raise ApiRefused(409, "agent_closed", "the agent is closed")
    check_environment(caller, agent.environment)
    return agent


def check_environment(caller: Caller, environment: str) -> None:
    """Raises ApiRefused (403) while the account is suspended or revoked there."""
    effect = account_effect(caller.account_id, environment)
    if effect >= Effect.SUSPEND:
        word = WORDS[effect]
        raise ApiRefused(403, f"account_{word}", f"the account is {word} in the {environment} environment")


def list_agents(asked: Asked) -> Answer:
    query = asked.http.GET
    rows = agents_of(asked.caller)
    if (environment := query.get("environment")) is not None:
        if environment not in ENVIRONMENTS:
            raise ApiRefused(400, "invalid-request", "environment is sandbox or live")
        rows = rows.filter(environment=environment)
    if (state := query.get("state")) is not None:
        rows = rows.filter(_in_state(asked.caller, state))
    account_id, now = asked.caller.account_id, asked.caller.now
    return page_of(
        "agents",
        rows,
        asked.http,
        lambda found: [show_agent(row) for row in agent_rows(found, account_id, now)],
    )


def _in_state(caller: Caller, state: str) -> Q:
    """An agent's state is the stronger of its own and its account's. Raises ApiRefused (400)."""
    if state not in STATES:
        raise ApiRefused(400, "invalid-request", f"state is one of: {', '.join(STATES)}")
    if state == "closed":
        return Q(state=Agent.State.CLOSED)
    wanted, there = EFFECTS[state], Q(pk=None)
    for environment in ENVIRONMENTS:
        of_account = account_effect(caller.account_id, environment)
        if wanted >= of_account:
            own = Q(effect__lte=wanted) if wanted == of_account else Q(effect=wanted)
            there |= own & Q(environment=environment)
    return there & Q(state=Agent.State.ACTIVE)


def show(asked: Asked, agent_id: str) -> Answer:
    return answer_agent(asked.caller, get_agent(asked.caller, agent_id))


def answer_agent(caller: Caller, agent: Agent, *, status: int = 200) -> Answer:
    (row,) = agent_rows([agent], caller.account_id, caller.now)
    headers = {"ETag": etag_of(version_of(agent))}
    if status == 201:
        headers["Location"] = f"{conf.issuer()}/v1/agents/{agent.client_id}"
    return Answer(show_agent(row), status, headers)


def register(asked: Asked) -> Answer:
    members, caller = asked.members(*MEMBERS), asked.caller
    about = _read_about(members, About("", "", ""))
    environment = members.choice("environment", among=ENVIRONMENTS)
    key, jwks_uri = read_key(members), read_jwks_uri(members)
    if ("jwk" in members) == ("jwks_uri" in members):
        members.fault("jwk", "or jwks_uri is given, one of both")
    members.check()
    check_environment(caller, environment)
    try:
        agent = register_agent(
            account_id=caller.account_id,
            name=about.name,
            purpose=about.purpose,
            software=about.software,
            environment=environment,
            key=key,
            jwks_uri=jwks_uri,
            actor=caller.actor,
            now=caller.now,
            most=conf.agents_most(),
        )
    except RegistrationRefused as refused:
        raise refused_registration(refused) from None
    return answer_agent(caller, agent, status=201)


def change(asked: Asked, agent_id: str) -> Answer:
    agent = get_open_agent(asked.caller, agent_id)
    members = asked.members("name", "purpose", "software")
    about = _read_about(members, About.of(agent))
    members.check()
    asked.check_unchanged(version_of(agent))
    try:
        change_agent(agent, about, actor=asked.caller.actor, now=asked.caller.now)
    except ChangedMeanwhile:
        raise changed_meanwhile() from None
    except RegistrationRefused as refused:
        raise refused_registration(refused) from None
    return answer_agent(asked.caller, agent)


def close(asked: Asked, agent_id: str) -> Answer:
    """Twice is once."""
    agent = get_agent(asked.caller, agent_id)
    asked.check_unchanged(version_of(agent))
    close_agent(agent, actor=asked.caller.actor, now=asked.caller.now)
    return answer_agent(asked.caller, agent)


def read_key(members: Members) -> PublicKey | None:
    """The public key in ``jwk``; a private one is refused and not repeated."""
    jwk = members.object("jwk")
    if jwk is None:
        return None
    try:
        return parse_public_jwk(jwk)
    except BadKey as bad:
        members.fault("jwk", f"is not accepted: {bad}")
        return None


def read_jwks_uri(members: Members) -> str:
    url = members.text("jwks_uri", most=MOST_URL)
    try:
        return read_url(url, "jwks_uri") if url else ""
    except InvalidClientMetadata as bad:
        members.fault("jwks_uri", bad.description.removeprefix("jwks_uri "))
        return ""


def refused_registration(refused: RegistrationRefused) -> ApiRefused:
    """What the portal says, with the reason that stands for it."""
    if isinstance(refused, Closed):
        return ApiRefused(409, "agent_closed" if "agent" in str(refused) else "account_closed", str(refused))
    if isinstance(refused, TooManyAgents):
        return ApiRefused(409, "too_many_agents", str(refused))
    return wrong("/jwk", str(refused))


def _read_about(members: Members, held: About) -> About:
    """Members that are left out stay as they are; a name is needed."""
    name = members.text("name", most=80, required=not held.name, default=held.name)
    purpose = members.text("purpose", most=300, default=held.purpose)
    software = members.text("software", most=120, default=held.software)
    try:
        return read_about(name, purpose, software)
    except BadName as bad:
        if not members.faults:
            members.fault(_member_of(bad), f"is not accepted: {bad}")
        return held


def _member_of(bad: BadName) -> str:
    return next((name for name in ("purpose", "software") if f"the {name}" in str(bad)), "name")


agents = api_door(
    GET=Call(READ_AGENTS, list_agents),
    POST=Call(WRITE_AGENTS, register, MAKERS, changes=True),
)
agent = api_door(
    GET=Call(READ_AGENTS, show),
    PATCH=Call(WRITE_AGENTS, change, MAKERS, changes=True),
    DELETE=Call(WRITE_AGENTS, close, MAKERS, changes=True),
)
