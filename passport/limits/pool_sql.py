"""The columns by which one read learns what the members' limits depend on, and their reader.

Put ``POOL`` into a SELECT whose FROM has ``acc`` (the account), ``ac`` (accounts_accountcluster)
and ``cl`` (accounts_cluster); ``{pack}`` and ``{row}`` are the database's functions for a JSON
array of rows and for one row. Members are counted by level only where some policy has tiers:
else all have the same budget, and a cluster of 25,000 would be counted for nothing.
"""

import json
from typing import Any

from passport.limits.policies import Pool

POOL = """
    CASE WHEN ac.cluster_id IS NULL THEN NULL ELSE {row}(
      cl.size,
      (SELECT {pack}({row}(counted.identity, counted.members)) FROM (
         SELECT CASE WHEN ml.identity IS NULL OR ml.identity_until <= CURRENT_TIMESTAMP THEN 'email'
                     ELSE ml.identity END AS identity, COUNT(*) AS members
           FROM accounts_accountcluster mc
           LEFT JOIN attestation_accountlevel ml
             ON ml.account_id = mc.account_id AND ml.environment = mc.environment
          WHERE mc.cluster_id = ac.cluster_id
            AND EXISTS (SELECT 1 FROM passport_limitpolicy tp WHERE tp.tier <> '')
          GROUP BY 1) counted),
      (SELECT {pack}({row}(granted.policy_id, granted.quota, granted.burst)) FROM (
         SELECT mo.policy_id, MAX(mo.quota) AS quota, MAX(mo.burst) AS burst
           FROM passport_limitoverride mo
           JOIN accounts_accountcluster oc ON oc.account_id = mo.account_id
          WHERE oc.cluster_id = ac.cluster_id AND mo.ends_at > CURRENT_TIMESTAMP
          GROUP BY mo.policy_id) granted),
      (SELECT COUNT(*) FROM accounts_clusterlink dl
        WHERE dl.cluster_id = ac.cluster_id AND dl.account_id = acc.id AND dl.kind = 'government_document')
    ) END
"""


def read_pool(cluster_id: str, grade: str, value: Any) -> Pool | None:
    """The pool from the columns ``ac.cluster_id``, ``cl.grade`` and ``POOL``."""
    if not cluster_id or value is None:
        return None
    size, members, overrides, shared_documents = json.loads(value) if isinstance(value, str) else value
    return Pool(
        cluster_id=cluster_id,
        grade=grade,
        size=size,
        members=dict(_rows(members)),
        overrides={policy: (quota, burst) for policy, quota, burst in _rows(overrides)},
        own_document=not shared_documents,
    )


def _rows(value: Any) -> list[Any]:
    return json.loads(value) if isinstance(value, str) else value or []
