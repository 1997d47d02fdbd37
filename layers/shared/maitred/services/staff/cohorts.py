"""Which flags held: how a cohort of attempts is named in a query."""

from maitred.domain.errors import FieldError, InvalidRequest
from maitred.services.rollout import NONE_HELD, VALUES, Flag, Held

#: Attempts do not know of the kill switch: what it leaves is a pipeline that is off.
_KNOWN = (Flag.PIPELINE, Flag.RETRIES, Flag.CACHE)


def cohort_of(text: str | None) -> Held:
    """Of ``flag=value``, or of several with commas between them. Raises InvalidRequest."""
    if text is None:
        return NONE_HELD
    parts = [_held(part) for part in text.split(",")]
    held = dict(parts)
    if len(held) < len(parts):
        raise InvalidRequest([FieldError("cohort", "repeated_flag", "must name each flag once")])
    return held


def _held(text: str) -> tuple[str, str | bool]:
    name, _, told = text.partition("=")
    if name not in _KNOWN:
        message = f"must be flag=value with a flag of {', '.join(_KNOWN)}"
        raise InvalidRequest([FieldError("cohort", "unknown_flag", message)])
    values = {str(value).lower(): value for value in VALUES[Flag(name)]}
    if told not in values:
        message = f"{name} is one of {', '.join(values)}"
        raise InvalidRequest([FieldError("cohort", "unknown_value", message)])
    return name, values[told]
