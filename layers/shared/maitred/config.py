"""Settings: one frozen model a function, read from the environment once and validated whole."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class ConfigurationError(Exception):
    """The environment is not usable; the message names every variable that is wrong."""


class Settings(BaseModel):
    """What every function needs: the stage and the database.

    ``database_auth``: ``iam`` logs in with a signed token, ``secret`` with the cluster's managed secret,
    ``trust`` with nothing (a database that only this machine can reach).
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    stage: str
    database_host: str
    database_port: int = Field(ge=1, le=65535)
    database_name: str
    database_user: str
    database_sslmode: Literal["disable", "require", "verify-full"]
    database_auth: Literal["iam", "secret", "trust"]


class AssignQueueSettings(Settings):
    """For functions that hand bookings to the background job."""

    assign_queue_url: str


class PlanningSettings(AssignQueueSettings):
    """``assignment_pipeline``: ``off`` is the plain planner, best fit and nobody is moved; ``shadow`` lets
    the full one say what it would have done; ``flag`` leaves it to the flags, as in the settings below.

    ``flags_...``: where AppConfig has the flags; all empty: those of the package hold.
    """

    assignment_pipeline: Literal["flag", "on", "off", "shadow"]
    flags_application: str
    flags_environment: str
    flags_profile: str


class ClientSettings(PlanningSettings):
    """``client_...``: changes and attempts that one API client may make, per second and at once."""

    client_rate: float = Field(gt=0, le=10_000)
    client_burst: int = Field(ge=1, le=100_000)


class AttemptSettings(PlanningSettings):
    """``restaurant_...``: attempts that one restaurant may take, per second, at once, at the same time.

    ``planner_cache``: is a compiled floor kept for the next attempt?
    """

    planner_cache: Literal["flag", "on", "off"]
    restaurant_rate: float = Field(gt=0, le=10_000)
    restaurant_burst: int = Field(ge=1, le=100_000)
    restaurant_in_flight: int = Field(ge=1, le=10_000)


class BookingsSettings(ClientSettings, AttemptSettings):
    """``inline_budget_ms``: after this nothing of the inline attempt commits."""

    inline_budget_ms: int = Field(ge=50, le=8000)


class OperationsSettings(ClientSettings):
    pass


class AssignSettings(AttemptSettings):
    """``job_budget_ms``: of one attempt. ``lease_seconds``: how long a worker may hold a booking.

    ``retry_policy``: ``standard`` is always ``max_attempts``, ``informed`` fewer for hopeless bookings.
    """

    assign_dlq_url: str
    max_attempts: int = Field(ge=1, le=20)
    retry_policy: Literal["flag", "standard", "informed"]
    job_budget_ms: int = Field(ge=100, le=50_000)
    lease_seconds: int = Field(ge=10, le=900)


class RelaySettings(AssignQueueSettings):
    """``relay_batch``: how many outbox rows one claim takes."""

    notification_queue_url: str
    relay_batch: int = Field(ge=1, le=1000)


class NotifySettings(Settings):
    """``mail_delivery``: only ``ses`` really sends; anything else records the notification as skipped."""

    mail_from: str
    mail_delivery: Literal["ses", "suppressed"]
    notification_dlq_url: str


class MaintainSettings(AssignQueueSettings):
    """Retention in days; ``manual_review_alert_minutes``: how near its start a case is raised."""

    lease_seconds: int = Field(ge=10, le=900)
    idempotency_days: int = Field(ge=7)
    events_days: int = Field(ge=1)
    outbox_days: int = Field(ge=1)
    manual_review_alert_minutes: int = Field(ge=1)


class MigrateSettings(Settings):
    """``application_role``: the role that the other functions log in as."""

    database_secret_arn: str = ""
    application_role: str = Field(min_length=1)


SETTINGS: Mapping[str, type[Settings]] = {
    "bookings": BookingsSettings,
    "operations": OperationsSettings,
    "assign": AssignSettings,
    "relay": RelaySettings,
    "notify": NotifySettings,
    "maintain": MaintainSettings,
    "migrate": MigrateSettings,
}


def load[S: Settings](model: type[S], environment: Mapping[str, str]) -> S:
    """Read ``model`` from upper-case variables. Raises ConfigurationError naming all that is wrong."""
    values = {name: environment[name.upper()] for name in model.model_fields if name.upper() in environment}
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise ConfigurationError(f"settings of {model.__name__}: {problems}") from None
