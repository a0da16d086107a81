"""The SQL of the hot path: one statement for each way to name a credential, joined by primary keys.

The text is the same on PostgreSQL and SQLite but for two functions that pack rows into
JSON. Parameters are ``%(name)s``. Tables of other apps are named here and nowhere else in
this app: what decides must come in one read.
"""

from dataclasses import dataclass

from passport.limits.pool_sql import POOL

COLUMNS = """
    a.client_id, a.id, a.name, a.purpose, a.software, a.environment, a.state, a.effect,
    acc.id, acc.state, acc.created_at,
    st.effect, CASE WHEN a.environment = 'sandbox' THEN st.sandbox_effect ELSE st.live_effect END,
    st.factor, CASE WHEN a.environment = 'sandbox' THEN st.sandbox_factor ELSE st.live_factor END,
    lv.identity, lv.identity_method, lv.identity_at, lv.identity_until,
    lv.payment, lv.payment_at, lv.payment_until,
    (SELECT MIN(rs.factor) FROM passport_restriction rs
      WHERE a.effect = 1 AND rs.subject_type = 'agent' AND rs.subject_id = a.client_id
        AND rs.effect = 1 AND rs.lifted_at IS NULL),
    ac.cluster_id, cl.grade, ac.changed_at, __POOL__,
    mo.mode, mo.since,
    (SELECT tok.kid FROM passport_signingkey tok WHERE tok."use" = 'tokens' AND tok.state = 'active'),
    (SELECT {pack}({row}(sw.name, sw.until)) FROM passport_switch sw WHERE sw."on"),
    k.id, k.thumbprint, k.effect, k.not_before, k.not_after, k.retired_at,
    p.jti, p.scopes, p.limits, p.issued_at, p.expires_at, p.effect, p.status_list_id, p.status_index,
    pk.id, pk.thumbprint, pk.effect, ps.kid, ps.state, ps.effect,
    s.id, s.audience, s.environment, s.enabled, s.dpop_bound_access_tokens_required, g.scopes,
    g.authorization_details,
    (SELECT {pack}({row}(sc.name, sc.least_identity, sc.least_payment))
       FROM passport_scope sc WHERE sc.service_id = s.id),
    (SELECT {pack}({row}(lp.id, lp.service_id, lp.scope, lp.name, lp.applies_to, lp.tier, lp.quota,
                         lp.window_seconds, lp.burst, lp.unit, ov.quota, ov.burst, ov.ends_at))
       FROM passport_limitpolicy lp
       LEFT JOIN passport_limitoverride ov ON ov.policy_id = lp.id AND ov.account_id = a.account_id
      WHERE (lp.service_id IS NULL AND lp.scope = 'token') OR lp.service_id = s.id),
    se.list_id, se."index"
""".replace("__POOL__", POOL)

COMMON = """
    JOIN accounts_account acc ON acc.id = a.account_id
    LEFT JOIN passport_accountstate st ON st.account_id = a.account_id
    LEFT JOIN attestation_accountlevel lv ON lv.account_id = a.account_id AND lv.environment = a.environment
    LEFT JOIN accounts_accountcluster ac ON ac.account_id = a.account_id AND ac.environment = a.environment
    LEFT JOIN accounts_cluster cl ON cl.id = ac.cluster_id
    LEFT JOIN passport_admissionmode mo ON mo.id = 1
    LEFT JOIN passport_service s ON s.audience = %(audience)s
    LEFT JOIN passport_agentgrant g ON g.agent_id = a.id AND g.service_id = s.id
"""

NOT_PRESENTED = ", NULL, NULL, NULL, NULL"

BY_PASSPORT = f"""
SELECT {COLUMNS}{NOT_PRESENTED}
  FROM passport_passport p
  JOIN passport_agentkey pk ON pk.id = p.key_id
  JOIN passport_agentkey k ON k.id = p.key_id
  JOIN passport_signingkey ps ON ps.kid = p.signing_key_id
  JOIN passport_agent a ON a.id = p.agent_id
  LEFT JOIN passport_statusentry se ON se.root = a.client_id
  {COMMON}
 WHERE p.jti = %(jti)s
"""  # noqa: S608 - constants

BY_AGENT = f"""
SELECT {COLUMNS}{NOT_PRESENTED}
  FROM passport_agent a
  LEFT JOIN passport_agentkey k ON k.agent_id = a.id AND k.thumbprint = %(thumbprint)s
  LEFT JOIN passport_passport p ON p.jti IS NULL
  LEFT JOIN passport_agentkey pk ON pk.id = p.key_id
  LEFT JOIN passport_signingkey ps ON ps.kid = p.signing_key_id
  LEFT JOIN passport_statusentry se ON se.root = a.client_id
  {COMMON}
 WHERE a.client_id = %(client_id)s
"""  # noqa: S608 - constants

BY_TOKEN = f"""
SELECT {COLUMNS},
    tk.state, tk.effect,
    (SELECT 1 FROM passport_revokedtoken rt WHERE rt.jti = %(jti)s),
    (SELECT {{pack}}({{row}}(x.id, x.account_id, x.environment, x.state, x.effect, xs.effect,
                        CASE WHEN x.environment = 'sandbox' THEN xs.sandbox_effect ELSE xs.live_effect END,
                        x.key_set))
       FROM (SELECT ag.client_id AS id, ag.account_id, ag.environment, ag.state, ag.effect, NULL AS key_set
               FROM passport_agent ag
              WHERE ag.client_id IN (%(actor1)s, %(actor2)s, %(actor3)s, %(actor4)s)
              UNION ALL
             SELECT sv.id, sv.account_id, sv.environment,
                    CASE WHEN sv.enabled THEN 'active' ELSE 'closed' END, 0, sv.jwks
               FROM passport_service sv
              WHERE sv.id IN (%(actor1)s, %(actor2)s, %(actor3)s, %(actor4)s)) x
       LEFT JOIN passport_accountstate xs ON xs.account_id = x.account_id)
  FROM passport_statusentry root
  LEFT JOIN passport_passport p ON p.jti = root.root
  LEFT JOIN passport_agentkey pk ON pk.id = p.key_id
  LEFT JOIN passport_signingkey ps ON ps.kid = p.signing_key_id
  JOIN passport_agent a
    ON a.id = COALESCE(p.agent_id, (SELECT y.id FROM passport_agent y WHERE y.client_id = root.root))
  LEFT JOIN passport_agentkey k ON k.thumbprint = %(thumbprint)s
  LEFT JOIN passport_statusentry se ON se.root = a.client_id
  LEFT JOIN passport_signingkey tk ON tk.kid = %(kid)s
  {COMMON}
 WHERE root.list_id = %(status_list)s AND root."index" = %(status_index)s
"""  # noqa: S608 - constants

PACKERS = {
    "postgresql": {"pack": "json_agg", "row": "json_build_array"},
    "sqlite": {"pack": "json_group_array", "row": "json_array"},
}


@dataclass(frozen=True, slots=True)
class Statement:
    """``parameters``: their names and PostgreSQL types, in the order of ``EXECUTE``."""

    name: str
    text: str
    parameters: tuple[tuple[str, str], ...]

    def plain(self, vendor: str) -> str:
        return self.text.format(**PACKERS[vendor])

    def prepare(self) -> str:
        """PREPARE for PostgreSQL: planning these joins costs more than running them."""
        numbered = {name: f"${place}" for place, (name, _) in enumerate(self.parameters, 1)}
        types = ", ".join(kind for _, kind in self.parameters)
        return f"PREPARE {self.name} ({types}) AS {self.plain('postgresql') % numbered}"


PASSPORT = Statement("standing_by_passport", BY_PASSPORT, (("jti", "text"), ("audience", "text")))
AGENT = Statement(
    "standing_by_agent", BY_AGENT, (("client_id", "text"), ("thumbprint", "text"), ("audience", "text"))
)
TOKEN = Statement(
    "standing_by_token",
    BY_TOKEN,
    (
        ("status_list", "integer"),
        ("status_index", "integer"),
        ("jti", "text"),
        ("kid", "text"),
        ("thumbprint", "text"),
        ("audience", "text"),
        ("actor1", "text"),
        ("actor2", "text"),
        ("actor3", "text"),
        ("actor4", "text"),
    ),
)

CALLING_AGENT = Statement(
    "calling_agent",
    """
SELECT a.id, a.client_id, a.account_id, a.environment, a.grant_types, a.jwks_uri,
    (SELECT {pack}({row}(k.kid, k.jwk, k.alg, k.fetched))
       FROM passport_agentkey k
      WHERE k.agent_id = a.id AND k.effect < 2 AND k.not_before <= %(now)s
        AND (k.not_after IS NULL OR k.not_after > %(now)s)
        AND (k.retired_at IS NULL OR k.retired_at > %(now)s))
  FROM passport_agent a
 WHERE a.client_id = %(client_id)s
""",
    (("client_id", "text"), ("now", "timestamptz")),
)
CALLING_SERVICE = Statement(
    "calling_service",
    """
SELECT s.id, s.account_id, s.audience, s.name, s.environment, s.enabled, s.secret_hash, s.issuer_scopes,
    s.introspection_signed_response_alg, s.jwks, s.jwks_uri
  FROM passport_service s
 WHERE s.id = %(id)s
""",
    (("id", "text"),),
)
