"""Parameters of gates: from a pack's pairs to the gate's struct, with all faults at once. Must not know any gate."""

from collections.abc import Iterable
from typing import Any

import msgspec

from cas.problems import Category, Fault, Problem
from cas.records.base import Part
from cas.records.policy import Param
from policy.gate import AnyGate


class ParamsInvalid(Problem):
    """A gate's parameters are not what it takes."""

    code = "policy.params_invalid"
    category = Category.INVALID
    title = "A gate's parameters are not valid"
    remedy = "Compare the parameters with the gate's entry in the reference, and store the pack again."


def faults_of(gate: AnyGate, params: Iterable[Param], at: str = "") -> tuple[Fault, ...]:
    """List everything wrong with a gate's parameters: unknown names, values of the wrong kind, missing ones."""
    given = {param.name: param.value for param in params}
    fields = {field.name: field for field in msgspec.structs.fields(gate.params)}
    faults: list[Fault] = []
    for name in sorted(given):
        if name not in fields:
            allowed = ", ".join(sorted(fields)) or "none"
            faults.append(Fault(f"{at}/{name}", "policy.param_unknown", f"not a parameter; allowed: {allowed}"))
            continue
        try:
            msgspec.convert(given[name], fields[name].type)
        except msgspec.ValidationError as error:
            faults.append(Fault(f"{at}/{name}", "policy.param_invalid", str(error)))
    faults.extend(
        Fault(f"{at}/{name}", "policy.param_missing", "this parameter must be given")
        for name, field in sorted(fields.items())
        if field.required and name not in given
    )
    if not faults:
        faults.extend(_together(gate, given, at))
    return tuple(faults)


def _together(gate: AnyGate, given: dict[str, Any], at: str) -> list[Fault]:
    try:
        msgspec.convert(given, gate.params)
    except msgspec.ValidationError as error:
        return [Fault(at, "policy.param_invalid", str(error))]
    return []


def of_pairs(gate: AnyGate, params: Iterable[Param]) -> Part:
    """Build a gate's parameters.

    Raises: policy.params_invalid with all faults
    """
    params = tuple(params)
    given = {param.name: param.value for param in params}
    try:
        built: Part = msgspec.convert(given, gate.params)
    except msgspec.ValidationError as error:
        raise ParamsInvalid(gate=gate.id, faults=faults_of(gate, params)) from error
    return built
