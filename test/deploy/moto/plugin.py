"""Teaches moto's CloudFormation the types of api_types.py and web_types.py, and custom resources that run here.

moto looks its types up among the subclasses of CloudFormationModel, so defining a subclass is registering it. A type
that nobody knows fails the deployment: moto alone would leave it out and report success.
"""

from __future__ import annotations

import re
from typing import Any

from botocore.exceptions import ClientError

from api_type import ApiType, Context, Created
from api_types import API_TYPES
from change_sets import install_change_sets
from completions import install_completions
from corrections import install_corrections
from custom_resources import install_custom_resources
from deletions import install_deletions
from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError
from moto.core.common_models import CloudFormationModel
from updates import install_updates
from web_types import WEB_TYPES

#: Types without an effect of their own.
IGNORED = {"AWS::CDK::Metadata", "AWS::CloudFormation::WaitCondition", "AWS::CloudFormation::WaitConditionHandle"}


def install(endpoint: str) -> None:
    """Registers everything for the server at `endpoint`. Call once, before the first request."""
    for api_type in [*API_TYPES, *WEB_TYPES]:
        _define(api_type, endpoint)
    _refuse_unknown_types()
    install_corrections()
    install_change_sets()
    install_custom_resources(endpoint)
    install_completions(endpoint)
    install_updates(endpoint)
    install_deletions(endpoint)


def _define(api_type: ApiType, endpoint: str) -> None:
    class Model(CloudFormationModel):
        # moto files each model under the second part of its module's name.
        __module__ = "moto.plugin"

        # A deletion is given the template's properties with their intrinsics unresolved, so they are kept.
        resolved: dict[str, dict[str, Any]] = {}

        def __init__(self, created: Created, properties: dict[str, Any]):
            self.created = created
            self.resolved[created.physical_id] = properties

        @property
        def physical_resource_id(self) -> str:
            return self.created.physical_id

        @staticmethod
        def cloudformation_name_type() -> str:
            return ""

        @staticmethod
        def cloudformation_type() -> str:
            return api_type.type

        @classmethod
        def has_cfn_attr(cls, attr: str) -> bool:
            return True

        def get_cfn_attribute(self, attribute_name: str) -> Any:
            try:
                return self.created.attributes[attribute_name]
            except KeyError:
                raise ValidationError(message=f"{api_type.type} has no attribute {attribute_name}") from None

        @classmethod
        def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **_):
            properties = cloudformation_json["Properties"]
            context = Context(endpoint, account_id, region_name)
            return cls(api_type.create(context, resource_name, properties), properties)

        @classmethod
        def update_from_cloudformation_json(
            cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name
        ):
            properties = cloudformation_json["Properties"]
            context = Context(endpoint, account_id, region_name)
            if api_type.update is None:
                raise ValidationError(message=f"The test server cannot update {api_type.type}")
            return cls(api_type.update(context, original_resource.physical_resource_id, properties), properties)

        @classmethod
        def delete_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name):
            properties = cls.resolved.get(resource_name, {})
            try:
                api_type.delete(Context(endpoint, account_id, region_name), resource_name, properties)
            except ClientError as error:
                # moto deletes in no order: what this belonged to may be gone already.
                if not re.search("NotFound|NonExistent|NoSuch|DoesNotExist|not found|does not exist", str(error)):
                    raise

        @classmethod
        def is_created(cls) -> bool:
            return True

    Model.__name__ = api_type.type.replace("::", "")
    _KEEP.append(Model)


#: `__subclasses__` holds weak references only.
_KEEP: list[type] = []


def _refuse_unknown_types() -> None:
    known = parsing.resource_class_from_type

    def strict(resource_type: str):
        if resource_type in IGNORED:
            return None
        found = known(resource_type)
        if found is None:
            raise ValidationError(message=f"The test server has no CloudFormation support for {resource_type}")
        return found

    parsing.resource_class_from_type = strict
