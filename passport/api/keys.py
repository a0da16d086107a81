"""``/v1/agents/{id}/keys``: list, add, retire."""

from passport.agents.models import Agent, AgentKey
from passport.agents.own_api import READ_AGENTS, WRITE_AGENTS
from passport.agents.registration import KeyInUse, RegistrationRefused, TooManyKeys, add_key
from passport.api.agents import get_agent, get_open_agent, read_key, refused_registration
from passport.api.callers import MAKERS
from passport.api.doors import Answer, Asked, Call, api_door
from passport.api.refusals import ApiRefused, not_found
from passport.api.shapes import page_of, show_key
from passport.revocation.by_holder import end_key


def list_keys(asked: Asked, agent_id: str) -> Answer:
    rows = AgentKey.objects.filter(agent=get_agent(asked.caller, agent_id))
    now = asked.caller.now
    return page_of("keys", rows, asked.http, lambda found: [show_key(key, now) for key in found])


def add(asked: Asked, agent_id: str) -> Answer:
    agent = get_open_agent(asked.caller, agent_id)
    members = asked.members("jwk")
    key = read_key(members)
    if key is None and not members.faults:
        members.fault("jwk", "is missing")
    members.check()
    assert key is not None
    try:
        row = add_key(agent, key, actor=asked.caller.actor, now=asked.caller.now)
    except TooManyKeys as refused:
        raise ApiRefused(409, "too_many_keys", str(refused)) from None
    except KeyInUse as refused:
        raise ApiRefused(409, "key_in_use", str(refused)) from None
    except RegistrationRefused as refused:
        raise refused_registration(refused) from None
    return Answer(show_key(row, asked.caller.now), 201)


def retire(asked: Asked, agent_id: str, key_id: str) -> Answer:
    """With ``stolen`` all that is bound to it is refused at once, for good. Twice is once."""
    key = _get_key(get_agent(asked.caller, agent_id), key_id)
    members = asked.members("stolen")
    stolen = members.flag("stolen", default=False)
    members.check()
    caller = asked.caller
    end_key(key, caller.account_id, stolen=stolen, actor=caller.actor, now=caller.now)
    key.refresh_from_db()
    return Answer(show_key(key, caller.now))


def _get_key(agent: Agent, key_id: str) -> AgentKey:
    key = AgentKey.objects.filter(agent=agent, pk=key_id).select_related("agent").first()
    if key is None:
        raise not_found("key")
    return key


keys = api_door(
    GET=Call(READ_AGENTS, list_keys),
    POST=Call(WRITE_AGENTS, add, MAKERS, changes=True),
)
key_end = api_door(POST=Call(WRITE_AGENTS, retire, MAKERS, changes=True))
