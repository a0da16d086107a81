"""The groups of staff that the console knows (analyst, approver, auditor, operator)."""

from django.db import migrations

GROUPS = ("analyst", "approver", "auditor", "operator")


def make_groups(apps, schema_editor):
    group = apps.get_model("auth", "Group")
    for name in GROUPS:
        group.objects.get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [
        ("passport", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]
    # Going back keeps the groups: people may be in them.
    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
