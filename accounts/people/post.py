"""Mail to people. It is sent by a job, so that a slow mail server neither holds a page up nor tells,
by the time a page takes, whether an address is known."""

import base64
import json

from django.conf import settings
from django.core.mail import EmailMessage

from foundation.jobs.outbox import enqueue, job
from foundation.sealing.boxes import open_box, seal

CONTEXT = "people.mail"
JOB = "accounts.people.send_mail"


def post(message: EmailMessage) -> None:
    """Send ``message`` after the caller's transaction. The embedded default's mailbox takes it at once."""
    if settings.DEVELOPMENT_MAIL:
        message.send()
        return
    content = {"to": message.to, "subject": str(message.subject), "body": str(message.body)}
    sealed = seal(json.dumps(content).encode(), context=CONTEXT)
    enqueue(JOB, {"sealed": base64.b64encode(sealed).decode("ascii")})


@job(JOB)
def send_mail(sealed: str) -> None:
    """A mail may go out twice when a worker dies in between; each says the same."""
    content = json.loads(open_box(base64.b64decode(sealed), context=CONTEXT))
    EmailMessage(subject=content["subject"], body=content["body"], to=content["to"]).send()
