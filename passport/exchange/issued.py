"""How a passport is answered: as a token that is not an access token (RFC 8693 section 2.2.1)."""

from datetime import datetime

from passport.admission.contract import Verdict
from passport.credentials.claims import scope_claim, seconds
from passport.credentials.passports import Issued
from passport.exchange.request import Answer
from passport.protocol import PASSPORT_TYPE


def passport_answer(issued: Issued, verdict: Verdict, now: datetime) -> Answer:
    content = {
        "access_token": issued.token,
        "issued_token_type": PASSPORT_TYPE,
        "token_type": "N_A",
        "expires_in": seconds(issued.expires_at) - seconds(now),
        "scope": scope_claim(issued.scopes),
    }
    return Answer(content, verdict)
