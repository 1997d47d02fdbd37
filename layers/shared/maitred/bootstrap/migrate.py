"""The schema."""

import os

from maitred import config
from maitred.adapters.postgres.connection import connector
from maitred.adapters.postgres.migrator import Migrator, load_migrations


class Migration:
    """Brings the database to this release's schema. Safe to run again at any time."""

    def __init__(self, settings: config.MigrateSettings) -> None:
        self._settings = settings

    def run(self) -> list[str]:
        """Apply what is missing; returns the names applied now."""
        connect = connector(self._settings, "migrate", self._settings.database_secret_arn)
        with connect() as conn:
            return Migrator(conn, load_migrations()).run(self._settings.application_role)


def migrator() -> Migration:
    return Migration(config.load(config.MigrateSettings, os.environ))
