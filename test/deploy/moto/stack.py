"""A deployed stack: its template, its physical ids, and the values of the template's intrinsic functions."""

from __future__ import annotations

import base64
import re
from typing import Any, Callable

from clients import client

Json = Any


class _Marker:
    def __init__(self, text: str):
        self.text = text

    def __str__(self) -> str:
        return self.text


NO_VALUE = _Marker("<no value>")
#: An attribute that this reader cannot ask for; a property that holds it is not compared, and counted as such.
UNKNOWN = _Marker("<attribute not read back>")


class Stack:
    """The template, the physical ids, and clients for reading back."""

    def __init__(self, endpoint: str, region: str, name: str, template: dict[str, Json]):
        self.endpoint, self.region, self.name, self.template = endpoint, region, name, template
        described = self.client("cloudformation").describe_stack_resources(StackName=name)["StackResources"]
        self.physical = {
            r["LogicalResourceId"]: r["PhysicalResourceId"] for r in described if "PhysicalResourceId" in r
        }
        self.account = self.client("sts").get_caller_identity()["Account"]
        self.stack_id = described[0]["StackId"] if described else ""

    def client(self, service: str) -> Any:
        return client(self.endpoint, self.region, service)

    def resolve(self, value: Json) -> Json:
        """Resolves the intrinsic functions that CDK emits; anything else raises."""
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (function, argument) = next(iter(value.items()))
            if function == "Ref":
                return self.ref(argument)
            if function == "Fn::GetAtt":
                logical_id, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
                return self.attribute(logical_id, attribute)
            if function == "Fn::Join":
                return argument[0].join(str(part) for part in self.resolve(argument[1]))
            if function == "Fn::Select":
                return self.resolve(argument[1])[int(argument[0])]
            if function == "Fn::Split":
                return self.resolve(argument[1]).split(argument[0])
            if function == "Fn::GetAZs":
                return [f"{self.region}{zone}" for zone in "abcd"]
            if function == "Fn::Base64":
                return base64.b64encode(self.resolve(argument).encode()).decode()
            if function == "Fn::Sub":
                return self.substitute(argument)
            if function.startswith("Fn::"):
                raise ValueError(f"read_back cannot resolve {function}")
        resolved = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not NO_VALUE}

    def substitute(self, argument: Json) -> str:
        text, names = (argument, {}) if isinstance(argument, str) else argument

        def replace(match: re.Match[str]) -> str:
            name = match.group(1)
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in names:
                return str(self.resolve(names[name]))
            if "." in name:
                return str(self.attribute(*name.split(".", 1)))
            return str(self.ref(name))

        return re.sub(r"\$\{([^}]+)\}", replace, text)

    def ref(self, name: str) -> Json:
        pseudo = {
            "AWS::Region": self.region,
            "AWS::AccountId": self.account,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": self.name,
            "AWS::StackId": self.stack_id,
            "AWS::NoValue": NO_VALUE,
        }
        if name in pseudo:
            return pseudo[name]
        if name in self.template.get("Parameters", {}):
            parameters = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"][0]["Parameters"]
            for parameter in parameters:
                if parameter["ParameterKey"] == name:
                    return parameter.get("ResolvedValue", parameter["ParameterValue"])
            return self.template["Parameters"][name].get("Default")
        return self.physical[name]

    def attribute(self, logical_id: str, attribute: str) -> Json:
        kind = self.template["Resources"][logical_id]["Type"]
        physical = self.physical[logical_id]
        prefix = f"{self.region}:{self.account}"
        arns: dict[str, Callable[[], Json]] = {
            "AWS::SQS::Queue.Arn": lambda: f"arn:aws:sqs:{prefix}:{physical.rsplit('/', 1)[-1]}",
            "AWS::SQS::Queue.QueueName": lambda: physical.rsplit("/", 1)[-1],
            "AWS::S3::Bucket.Arn": lambda: f"arn:aws:s3:::{physical}",
            "AWS::S3::Bucket.RegionalDomainName": lambda: f"{physical}.s3.{self.region}.amazonaws.com",
            "AWS::CloudFront::OriginAccessControl.Id": lambda: physical,
            "AWS::KMS::Key.Arn": lambda: f"arn:aws:kms:{prefix}:key/{physical}",
            "AWS::IAM::Role.Arn": lambda: self.client("iam").get_role(RoleName=physical)["Role"]["Arn"],
            "AWS::IAM::InstanceProfile.Arn": lambda: f"arn:aws:iam::{self.account}:instance-profile/{physical}",
            "AWS::Lambda::Function.Arn": lambda: f"arn:aws:lambda:{prefix}:function:{physical}",
            # AWS adds `:*`, moto does not.
            "AWS::Logs::LogGroup.Arn": lambda: f"arn:aws:logs:{prefix}:log-group:{physical}",
            "AWS::EC2::SecurityGroup.GroupId": lambda: physical,
            "AWS::EC2::LaunchTemplate.LatestVersionNumber": lambda: self.client("ec2").describe_launch_templates(
                LaunchTemplateIds=[physical]
            )["LaunchTemplates"][0]["LatestVersionNumber"],
            "AWS::EC2::LaunchTemplate.DefaultVersionNumber": lambda: self.client("ec2").describe_launch_templates(
                LaunchTemplateIds=[physical]
            )["LaunchTemplates"][0]["DefaultVersionNumber"],
            "AWS::CloudWatch::Alarm.Arn": lambda: f"arn:aws:cloudwatch:{prefix}:alarm:{physical}",
            "AWS::CloudFront::Distribution.DomainName": lambda: self.client("cloudfront").get_distribution(Id=physical)[
                "Distribution"
            ]["DomainName"],
            "AWS::SNS::Topic.TopicArn": lambda: physical,
            "AWS::SNS::Topic.TopicName": lambda: physical.rsplit(":", 1)[-1],
            "AWS::ApiGatewayV2::Api.ApiEndpoint": lambda: self.client("apigatewayv2").get_api(ApiId=physical)[
                "ApiEndpoint"
            ],
            "AWS::ApiGatewayV2::Api.ApiId": lambda: physical,
            "AWS::AutoScaling::ScalingPolicy.Arn": lambda: physical,
            "AWS::AutoScaling::ScalingPolicy.PolicyName": lambda: physical.rsplit("/", 1)[-1],
        }
        known = arns.get(f"{kind}.{attribute}")
        return known() if known else UNKNOWN
