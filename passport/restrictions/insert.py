"""Inserts one restriction for each of many subjects: one statement, no object for each."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from passport.restrictions.models import Restriction
from passport.restrictions.subjects import SubjectRef

OF_SUBJECT = ("subject_type", "subject_id", "account_id")
SOURCES = {
    "postgresql": (
        "t.subject_type, t.subject_id, t.account_id",
        "unnest(%s::text[], %s::text[], %s::text[]) AS t (subject_type, subject_id, account_id)",
    ),
    "sqlite": (
        "json_extract(t.value, '$[0]'), json_extract(t.value, '$[1]'), json_extract(t.value, '$[2]')",
        "json_each(%s) AS t",
    ),
}


def insert_for(subjects: Sequence[SubjectRef], same: Mapping[str, Any]) -> None:
    """``same``: the fields that all of them share, by name; the others keep their defaults.

    Raises IntegrityError when a batch already restricts one of the subjects.
    """
    template = Restriction(**same)
    fields = [
        field
        for field in Restriction._meta.concrete_fields
        if not field.primary_key and field.attname not in OF_SUBJECT
    ]
    values = [
        field.get_db_prep_save(getattr(template, field.attname), connection=connection) for field in fields
    ]
    columns = [*OF_SUBJECT, *(str(field.column) for field in fields)]
    of_subject, source = SOURCES[connection.vendor]
    constants = ", ".join(_typed(field) for field in fields)
    statement = (
        f"INSERT INTO {Restriction._meta.db_table} ({', '.join(columns)}) "  # noqa: S608 - our own names
        f"SELECT {of_subject}, {constants} FROM {source}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, *_rows(subjects)])


def _typed(field: Any) -> str:
    """A parameter with the type of its column: in a SELECT nothing else tells a null's type."""
    return f"CAST(%s AS {field.cast_db_type(connection)})" if connection.vendor == "postgresql" else "%s"


def _rows(subjects: Sequence[SubjectRef]) -> list[Any]:
    if connection.vendor == "postgresql":
        return [
            [subject.type for subject in subjects],
            [subject.id for subject in subjects],
            [subject.account_id for subject in subjects],
        ]
    return [json.dumps([[subject.type, subject.id, subject.account_id] for subject in subjects])]
