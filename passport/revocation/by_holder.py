"""What holders end themselves: a passport that is no longer needed, a key that is retired or was stolen."""

from datetime import datetime
from typing import Final

from passport.agents.models import AgentKey
from passport.agents.registration import retire_key
from passport.consents.end import HOLDER_REQUEST
from passport.credentials.models import Passport
from passport.fields import Effect
from passport.restrictions.place import SubjectRef, place

KEY_STOLEN: Final = "key_stolen"


def revoke_passport(jti: str, *, actor: str, now: datetime) -> bool:
    """Revoke it and all that came from it, for good. False: it is unknown, or revoked already."""
    row = Passport.objects.filter(jti=jti, effect__lt=Effect.REVOKE).values("account_id").first()
    if row is None:
        return False
    subject = SubjectRef("passport", jti, row["account_id"])
    place([subject], effect=Effect.REVOKE, reason=HOLDER_REQUEST, actor=actor, now=now, final=True)
    return True


def end_key(key: AgentKey, account_id: str, *, stolen: bool, actor: str, now: datetime) -> None:
    """Retire a key. Of a stolen one all that is bound to it is refused at once, for good."""
    if stolen:
        subject = SubjectRef("key", key.pk, account_id)
        place([subject], effect=Effect.REVOKE, reason=KEY_STOLEN, actor=actor, now=now, final=True)
    retire_key(key, actor=actor, now=now)
