"""The database itself refuses to change or remove what the record says."""

from django.db import migrations

GUARDED = ("foundation_entry", "foundation_position", "foundation_checkpoint")

POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION foundation_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is insert-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$
"""


def guard_statements(vendor):
    if vendor == "postgresql":
        yield POSTGRESQL_FUNCTION
        for table in GUARDED:
            yield (
                f"CREATE TRIGGER {table}_guard BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION foundation_refuse_change()"
            )
    elif vendor == "sqlite":
        for table in GUARDED:
            for verb in ("UPDATE", "DELETE"):
                yield (
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is insert-only'); END"
                )


def release_statements(vendor):
    for table in GUARDED:
        if vendor == "postgresql":
            yield f"DROP TRIGGER IF EXISTS {table}_guard ON {table}"
        elif vendor == "sqlite":
            yield f"DROP TRIGGER IF EXISTS {table}_no_update"
            yield f"DROP TRIGGER IF EXISTS {table}_no_delete"


def guard(apps, schema_editor):
    for statement in guard_statements(schema_editor.connection.vendor):
        schema_editor.execute(statement, params=None)


def release(apps, schema_editor):
    for statement in release_statements(schema_editor.connection.vendor):
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("foundation", "0001_initial")]
    operations = [migrations.RunPython(guard, release)]
