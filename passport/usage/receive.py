"""Takes a report of usage into the tables: once, however often it is sent."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import IntegrityError, transaction

from foundation.sealing.hashes import keyed_hash
from passport.services.models import Service
from passport.usage.known import Known, find_known, find_roots
from passport.usage.models import UsageLine, UsageReport
from passport.usage.outcomes import OUTCOMES
from passport.usage.pairwise_names import remember
from passport.usage.wire import Item, Report

log = structlog.get_logger()

NETWORK = "usage-network"
"""Purpose of the hash of an address's network: of no use beside any other table."""


class ReportIdInUse(Exception):
    """The service sent another report under this id."""


@dataclass(frozen=True, slots=True)
class Receipt:
    report_id: str
    accepted: int
    unknown: Sequence[int]
    """Places of the items whose agent the service cannot know: they are not counted."""


def receive(service: Service, report: Report, body: bytes, *, issuer: str, now: datetime) -> Receipt:
    """Keep the lines for the next roll-up; the same report again gives the same receipt.

    About ten queries, however many items. Raises ReportIdInUse for another body under a used id.
    """
    digest = hashlib.sha256(body).hexdigest()
    if held := _find(service, report.id, digest):
        return held
    known = find_known(service, {item.agent for item in report.items}, now)
    unknown = [place for place, item in enumerate(report.items) if item.agent not in known]
    row = UsageReport(
        service_id=service.pk, report_id=report.id, sha256=digest, unknown=unknown,
        accepted=len(report.items) - len(unknown), received_at=now,
    )  # fmt: skip
    try:
        with transaction.atomic():
            # First, so that the same report at the same time waits here and finds it.
            row.save(force_insert=True)
            UsageLine.objects.bulk_create(_lines(service, report.items, known, issuer), batch_size=500)
            remember(service, {one.account_id for one in known.values()})
    except IntegrityError:
        held = _find(service, report.id, digest)
        if held is None:
            raise
        return held
    log.info("usage_received", service=service.pk, report=report.id, accepted=row.accepted)
    return _receipt(row)


def _find(service: Service, report_id: str, digest: str) -> Receipt | None:
    row = UsageReport.objects.filter(service_id=service.pk, report_id=report_id).first()
    if row is None:
        return None
    if row.sha256 != digest:
        raise ReportIdInUse(report_id)
    return _receipt(row)


def _receipt(row: UsageReport) -> Receipt:
    return Receipt(row.report_id, row.accepted, tuple(row.unknown))


def _lines(
    service: Service, items: Sequence[Item], known: Mapping[str, Known], issuer: str
) -> list[UsageLine]:
    roots = find_roots(
        {item.credential for item in items if item.credential}, list_uris_under=f"{issuer}/status/"
    )
    networks = {
        item.prefix: keyed_hash(NETWORK, item.prefix.encode()).digest for item in items if item.prefix
    }
    return [
        UsageLine(
            minute=item.minute,
            account_id=known[item.agent].account_id,
            environment=service.environment,
            agent=item.agent,
            service_id=service.pk,
            scope=item.scope,
            root=_root(item, known[item.agent], roots),
            units=item.units,
            asn=item.asn,
            network=networks.get(item.prefix),
            sketch=item.sketch or None,
            **{name: item.outcomes.get(name, 0) for name in OUTCOMES},
        )
        for item in items
        if item.agent in known
    ]


def _root(item: Item, known: Known, roots: Mapping[tuple[str, int], tuple[str, str]]) -> str:
    """The credential, if it is the agent's or its account's: a service cannot name that of another."""
    root, owner = roots.get(item.credential, ("", "")) if item.credential else ("", "")
    return root if root == item.agent or owner == known.account_id else ""
