"""The Django app; its capabilities are the packages beside this file."""

from django.apps import AppConfig


class AttestationConfig(AppConfig):
    name = "attestation"
    label = "attestation"
