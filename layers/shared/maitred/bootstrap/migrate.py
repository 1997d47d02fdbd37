"""The function that migrates the schema."""

import os

from maitred import config
from maitred.adapters.postgres.connection import connector
from maitred.adapters.postgres.migrator import Migrated, MigrationError, Migrator, load_migrations

__all__ = ["Migrated", "MigrationError", "migrate"]


def migrate() -> Migrated:
    """Bring the database to this release's schema, unless a later release has already brought it further.

    It may be repeated at any time. Raises MigrationError if the database does not fit this release.
    """
    settings = config.load(config.MigrateSettings, os.environ)
    with connector(settings, "migrate", settings.database_secret_arn)() as conn:
        return Migrator(conn, load_migrations()).run(settings.application_role)
