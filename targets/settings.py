"""Reading a target's settings, kept as pairs of strings, into its kind's struct."""

from typing import Annotated, Literal, TypeVar

import msgspec

from cas.problems import Fault
from cas.records.release import Target
from targets.problems import SettingsInvalid

S = TypeVar("S", bound=msgspec.Struct)

AbsolutePath = Annotated[str, msgspec.Meta(pattern=r"^/(?!.*(^|/)\.\.(/|$))[^\x00]+$", max_length=1024)]
Address = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.\[\]:-]*$", max_length=255)]
"""host:port."""

EngineUrl = Annotated[str, msgspec.Meta(pattern=r"^(unix:///|tcp://|https?://)[^\s]+$", max_length=1024)]

Hooks = Literal["run", "skip"]
"""Whether a release's deploy.stella.sh is run beside the target's files."""


def settings_of(target: Target, kind: type[S]) -> S:
    """Read the settings.

    Raises: target.settings_invalid
    """
    try:
        return msgspec.convert(dict(target.settings), kind, strict=False)
    except msgspec.ValidationError as error:
        fault = Fault("/settings", "target.setting_invalid", str(error)[:200])
        raise SettingsInvalid(target=target.name, faults=(fault,)) from error
