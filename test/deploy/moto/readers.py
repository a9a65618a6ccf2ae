"""The reader of each CloudFormation type."""

from __future__ import annotations

import read_access
import read_fleet
import read_network
import read_storage
import read_web
from reader import Reader

READERS: dict[str, Reader] = {
    "AWS::ApiGatewayV2::Api": read_web.api,
    "AWS::ApiGatewayV2::Integration": read_web.api_child("get_integration", "IntegrationId"),
    "AWS::ApiGatewayV2::Route": read_web.api_child("get_route", "RouteId"),
    "AWS::ApiGatewayV2::Stage": read_web.api_child("get_stage", "StageName"),
    "AWS::AutoScaling::AutoScalingGroup": read_fleet.auto_scaling_group,
    "AWS::AutoScaling::LifecycleHook": read_fleet.lifecycle_hook,
    "AWS::AutoScaling::ScalingPolicy": read_fleet.scaling_policy,
    "AWS::CloudFront::Distribution": read_web.distribution,
    "AWS::CloudFront::OriginAccessControl": read_web.origin_access_control,
    "AWS::CloudWatch::Alarm": read_fleet.alarm,
    "AWS::EC2::FlowLog": read_network.flow_log,
    "AWS::EC2::LaunchTemplate": read_fleet.launch_template,
    "AWS::EC2::RouteTable": read_network.route_table,
    "AWS::EC2::SecurityGroup": read_network.security_group,
    "AWS::EC2::SecurityGroupIngress": read_network.security_group_ingress,
    "AWS::EC2::Subnet": read_network.subnet,
    "AWS::EC2::SubnetRouteTableAssociation": read_network.route_table_association,
    "AWS::EC2::VPC": read_network.vpc,
    "AWS::EC2::VPCEndpoint": read_network.vpc_endpoint,
    "AWS::IAM::InstanceProfile": read_access.instance_profile,
    "AWS::IAM::ManagedPolicy": read_access.managed_policy,
    "AWS::IAM::Policy": read_access.policy,
    "AWS::IAM::Role": read_access.role,
    "AWS::KMS::Key": read_storage.key,
    "AWS::Lambda::Function": read_web.function,
    "AWS::Lambda::LayerVersion": read_web.layer,
    "AWS::Lambda::Permission": read_web.permission,
    "AWS::Logs::LogGroup": read_web.log_group,
    "AWS::S3::Bucket": read_storage.bucket,
    "AWS::S3::BucketPolicy": read_storage.bucket_policy,
    "AWS::SNS::Subscription": read_storage.subscription,
    "AWS::SNS::Topic": read_storage.topic,
    "AWS::SNS::TopicPolicy": read_storage.topic_policy,
    "AWS::SQS::Queue": read_storage.queue,
    "AWS::SQS::QueuePolicy": read_storage.queue_policy,
    "Custom::CDKBucketDeployment": read_web.bucket_deployment,
    "Custom::S3BucketNotifications": read_storage.bucket_notifications,
}
