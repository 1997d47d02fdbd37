"""Settings: a frozen model for each function, read from the environment once and validated as a whole."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class ConfigurationError(Exception):
    """The environment is wrong; the message names every wrong variable."""


class Settings(BaseModel):
    """Settings of every function: the stage and the database.

    ``database_auth``: ``iam`` logs in with a signed token, ``secret`` with the cluster's managed secret,
    ``trust`` without a password (a database that only this machine can reach).
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    stage: str
    database_host: str
    database_port: int = Field(ge=1, le=65535)
    database_name: str
    database_user: str
    database_sslmode: Literal["disable", "require", "verify-full"]
    database_auth: Literal["iam", "secret", "trust"]


class WebhookQueueSettings(Settings):
    """For functions whose units of work may have something to tell webhooks."""

    webhook_queue_url: str


class AssignQueueSettings(WebhookQueueSettings):
    """For functions that hand bookings to the background job."""

    assign_queue_url: str


class PlanningSettings(AssignQueueSettings):
    """``assignment_pipeline``: ``off`` is the plain planner (best fit, no moves); ``shadow`` also records the
    full planner's decision; ``flag``, here and in the settings below, leaves it to the flags.

    ``flags_...``: where AppConfig has the flags. If all are empty, the package's own flags count.
    """

    assignment_pipeline: Literal["flag", "on", "off", "shadow"]
    flags_application: str
    flags_environment: str
    flags_profile: str


class ClientSettings(PlanningSettings):
    """``client_...``: changes and attempts that each API client may make, per second and at once."""

    client_rate: float = Field(gt=0, le=10_000)
    client_burst: int = Field(ge=1, le=100_000)


class AttemptSettings(PlanningSettings):
    """``restaurant_...``: attempts for each restaurant: per second, at once, and under way at the same time.

    ``planner_cache``: keep compiled floors for later attempts?
    """

    planner_cache: Literal["flag", "on", "off"]
    restaurant_rate: float = Field(gt=0, le=10_000)
    restaurant_burst: int = Field(ge=1, le=100_000)
    restaurant_in_flight: int = Field(ge=1, le=10_000)


class BookingsSettings(ClientSettings, AttemptSettings):
    """``inline_budget_ms``: the inline attempt commits nothing after this time."""

    inline_budget_ms: int = Field(ge=50, le=8000)


class WebhookSettings(WebhookQueueSettings):
    """``webhook_key``: of KMS, for the secrets that sign. ``webhook_targets``: ``any`` allows plain http and
    addresses of this machine, for the local stack.
    """

    webhook_key: str
    webhook_targets: Literal["public", "any"]


class OperationsSettings(ClientSettings, WebhookSettings):
    pass


class DeliverSettings(WebhookSettings):
    webhook_dlq_url: str


class OptimizeSettings(ClientSettings):
    """``shift_seconds``: of the solver, for each of two tries. ``day_optimizer``: off, nothing is applied."""

    optimize_queue_url: str
    optimize_dlq_url: str
    day_optimizer: Literal["flag", "on", "off"]
    shift_seconds: float = Field(gt=0, le=12)


class AssignSettings(AttemptSettings):
    """``job_budget_ms``: the time of one attempt. ``lease_seconds``: the length of a worker's lease.

    ``retry_policy``: ``standard`` always makes ``max_attempts``; ``informed`` fewer for hopeless bookings.
    """

    assign_dlq_url: str
    max_attempts: int = Field(ge=1, le=20)
    retry_policy: Literal["flag", "standard", "informed"]
    job_budget_ms: int = Field(ge=100, le=50_000)
    lease_seconds: int = Field(ge=10, le=900)


class RelaySettings(AssignQueueSettings):
    """``relay_batch``: outbox rows for each claim."""

    notification_queue_url: str
    optimize_queue_url: str
    webhook_dlq_url: str
    relay_batch: int = Field(ge=1, le=1000)


class NotifySettings(Settings):
    """``mail_delivery``: ``ses`` sends; ``suppressed`` records every notification as skipped."""

    mail_from: str
    mail_delivery: Literal["ses", "suppressed"]
    notification_dlq_url: str


class MaintainSettings(AssignQueueSettings):
    """Retention in days. ``manual_review_alert_minutes``: how near its start an open case is raised."""

    lease_seconds: int = Field(ge=10, le=900)
    idempotency_days: int = Field(ge=7)
    events_days: int = Field(ge=1)
    outbox_days: int = Field(ge=1)
    changes_days: int = Field(ge=1)
    guest_days: int = Field(ge=1)
    manual_review_alert_minutes: int = Field(ge=1)


class MigrateSettings(Settings):
    """``application_role``: the database role of the other functions."""

    database_secret_arn: str = ""
    application_role: str = Field(min_length=1)


def load[S: Settings](model: type[S], environment: Mapping[str, str]) -> S:
    """Read ``model`` from upper-case variables. Raises ConfigurationError, which names every wrong one."""
    values = {name: environment[name.upper()] for name in model.model_fields if name.upper() in environment}
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise ConfigurationError(f"settings of {model.__name__}: {problems}") from None
