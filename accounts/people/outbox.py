"""The embedded default's mailbox: mail is kept for the development mail page, never sent."""

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from accounts.people.models import DevelopmentMail


class DevelopmentMailbox(BaseEmailBackend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            for to in message.to:
                DevelopmentMail.objects.create(
                    to=to, subject=str(message.subject)[:255], body=str(message.body)
                )
        return len(email_messages)
