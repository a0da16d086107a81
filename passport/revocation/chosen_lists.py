"""Lists that people hand in: of accounts, agents and thumbprints, one a line. All of it holds, or none."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence

from accounts.owners.models import Account
from passport.agents.models import Agent, AgentKey
from passport.restrictions.subjects import Subject, SubjectRef, in_chunks
from passport.revocation.batch import BatchError

MOST_LINES = 50_000
MOST_BYTES = 4 * 1024 * 1024
NAMED_FAULTS = 20
ACCOUNT, AGENT = re.compile("acc_[A-Za-z0-9_]{1,60}"), re.compile("agent_[A-Za-z0-9_]{1,60}")
THUMBPRINT = re.compile("[A-Za-z0-9_-]{43}")


def read_list(content: bytes) -> list[str]:
    """The first column of each line that has one. Raises BatchError ``bad_list``, naming the lines."""
    if len(content) > MOST_BYTES:
        raise BatchError("bad_list", f"the list is longer than {MOST_BYTES // 1024} KB")
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error):
        raise BatchError("bad_list", "the list is not a text file of lines (CSV, UTF-8)") from None
    numbered = [(number, row[0].strip()) for number, row in enumerate(rows, 1) if row and row[0].strip()]
    if not numbered or len(numbered) > MOST_LINES:
        raise BatchError("bad_list", f"a list has 1 to {MOST_LINES} lines")
    _refuse((number, name) for number, name in numbered if _kind(name) is None)
    return [name for _, name in numbered]


def resolve(names: Sequence[str], environment: str) -> list[SubjectRef]:
    """Each name once. Raises BatchError ``bad_list`` where one is unknown, or of the other environment."""
    known = _known(names, environment)
    _refuse((number, name) for number, name in enumerate(names, 1) if name not in known)
    return [known[name] for name in dict.fromkeys(names)]


def _kind(name: str) -> str | None:
    if ACCOUNT.fullmatch(name):
        return Subject.ACCOUNT
    if AGENT.fullmatch(name):
        return Subject.AGENT
    return Subject.KEY if THUMBPRINT.fullmatch(name) else None


def _known(names: Sequence[str], environment: str) -> Mapping[str, SubjectRef]:
    """By the name that the list used. A few queries, whatever the length."""
    found: dict[str, SubjectRef] = {}
    for part in in_chunks(names):
        for pk in Account.objects.filter(pk__in=part).values_list("pk", flat=True):
            found[pk] = SubjectRef(Subject.ACCOUNT, pk, pk)
        agents = Agent.objects.filter(client_id__in=part, environment=environment)
        for client_id, account_id in agents.values_list("client_id", "account_id"):
            found[client_id] = SubjectRef(Subject.AGENT, client_id, account_id)
        keys = AgentKey.objects.filter(thumbprint__in=part, agent__environment=environment)
        for thumbprint, pk, account_id in keys.values_list("thumbprint", "pk", "agent__account_id"):
            found[thumbprint] = SubjectRef(Subject.KEY, pk, account_id)
    return found


def _refuse(faults: Iterable[tuple[int, str]]) -> None:
    bad = list(faults)
    if not bad:
        return
    named = "; ".join(f"line {number}: {name[:80]!r}" for number, name in bad[:NAMED_FAULTS])
    more = f"; and {len(bad) - NAMED_FAULTS} more" if len(bad) > NAMED_FAULTS else ""
    raise BatchError("bad_list", f"no account, agent or key of this environment: {named}{more}")
