"""Places where moto's change sets answer differently from CloudFormation: a failed one, and a second deployment."""

from __future__ import annotations

import traceback
from typing import Any

from moto.cloudformation.exceptions import CloudFormationError, ValidationError
from moto.cloudformation.models import ChangeSet, CloudFormationBackend, Stack
from moto.cloudformation.parsing import ResourceMap


def install_change_sets() -> None:
    CloudFormationBackend.delete_change_set = _delete_change_set
    _name_missing_change_sets()
    _report_failures()
    _repeat_change_sets()
    _keep_resolved_parameters()


def _delete_change_set(backend: Any, change_set_name: str) -> None:
    """moto finds the newest change set of a name but deletes the oldest, whichever stack it belongs to."""
    for change_set_id in reversed(list(backend.change_sets)):
        if change_set_name in (change_set_id, backend.change_sets[change_set_id].change_set_name):
            del backend.change_sets[change_set_id]
            return


class ChangeSetNotFound(CloudFormationError):
    code = "ChangeSetNotFound"


def _name_missing_change_sets() -> None:
    """The command line waits for this error; moto answers with the one for a missing stack."""
    describe = CloudFormationBackend.describe_change_set

    def describe_or_not_found(backend: Any, change_set_name: str) -> Any:
        try:
            return describe(backend, change_set_name)
        except ValidationError:
            raise ChangeSetNotFound(f"ChangeSet [{change_set_name}] does not exist") from None

    CloudFormationBackend.describe_change_set = describe_or_not_found


def _report_failures() -> None:
    """moto answers a failed execution with status 500, which the command line retries; the retry finds nothing left to
    do and completes the stack. Here the execution is accepted and the stack fails, as with CloudFormation. Nothing is
    rolled back.
    """
    execute = CloudFormationBackend.execute_change_set

    def execute_or_fail(backend: Any, change_set_name: str, stack_name: str | None = None) -> None:
        try:
            execute(backend, change_set_name, stack_name)
        except Exception as error:
            # The server's log is what the test looks at, besides what the command line says.
            traceback.print_exc()
            for change_set in backend.change_sets.values():
                if change_set_name in (change_set.change_set_id, change_set.change_set_name):
                    _fail(change_set, f"{type(error).__name__}: {getattr(error, 'message', error)}")

    CloudFormationBackend.execute_change_set = execute_or_fail


def _fail(change_set: Any, reason: str) -> None:
    creates = change_set.change_set_type == "CREATE"
    change_set.execution_status = "EXECUTE_FAILED"
    change_set.stack.status = "ROLLBACK_COMPLETE" if creates else "UPDATE_ROLLBACK_COMPLETE"
    for status in ("CREATE_FAILED" if creates else "UPDATE_FAILED", change_set.stack.status):
        change_set.stack._add_stack_event(status, resource_status_reason=reason)


def _repeat_change_sets() -> None:
    """Lets a stack be deployed a second time: SSM parameters, unchanged parameters and outputs."""
    resolve_parameter, apply = ResourceMap.parse_ssm_parameter, ChangeSet.apply

    def resolve_once(resources: Any, value: str, value_type: str) -> Any:
        # "Use the previous value" hands over what was resolved before, not the parameter's name.
        return resolve_parameter(resources, value, value_type) if value.startswith("/") else value

    def has_parameters(stack: Any, other: dict[str, Any]) -> bool:
        resolved = stack.resource_map.resolved_parameters
        return all(value in (stack.parameters.get(name), resolved.get(name)) for name, value in other.items())

    def apply_with_outputs(change_set: Any) -> None:
        apply(change_set)
        stack = change_set.stack
        stack.template = change_set.template
        stack._parse_template()
        stack.output_map = stack._create_output_map()

    ResourceMap.parse_ssm_parameter = resolve_once
    Stack.has_parameters = has_parameters
    ChangeSet.apply = apply_with_outputs


def _keep_resolved_parameters() -> None:
    """An update hands over what an SSM parameter was resolved to; moto takes that for another value than its name."""
    compare = ResourceMap.build_resource_diff

    def compare_resolved(resources: Any, template: dict[str, Any], parameters: dict[str, Any] | None = None) -> Any:
        known = {
            name: resources.input_parameters.get(name) if value == resources.resolved_parameters.get(name) else value
            for name, value in (parameters or {}).items()
        }
        return compare(resources, template, known or None)

    ResourceMap.build_resource_diff = compare_resolved
