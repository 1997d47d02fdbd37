"""Which flags held: how a cohort of attempts is named in a query."""

from collections.abc import Mapping

from maitred.domain.errors import FieldError, InvalidRequest
from maitred.services.rollout import NONE_HELD, VALUES, Flag, Held

#: Attempts do not know of the kill switch: what it leaves is a pipeline that is off.
_NAMED: Mapping[str, Mapping[str, str | bool]] = {
    flag.value: {str(value).lower(): value for value in values}
    for flag, values in VALUES.items()
    if flag is not Flag.KILL_SWITCH
}


def cohort_of(text: str | None) -> Held:
    """Of ``flag=value``, or of several with commas between them. Raises InvalidRequest."""
    if text is None:
        return NONE_HELD
    return dict(_held(part) for part in text.split(","))


def _held(text: str) -> tuple[str, str | bool]:
    name, _, value = text.partition("=")
    if name not in _NAMED:
        message = f"must be flag=value with a flag of {', '.join(_NAMED)}"
        raise InvalidRequest([FieldError("cohort", "unknown_flag", message)])
    if value not in _NAMED[name]:
        message = f"{name} is one of {', '.join(_NAMED[name])}"
        raise InvalidRequest([FieldError("cohort", "unknown_value", message)])
    return name, _NAMED[name][value]
