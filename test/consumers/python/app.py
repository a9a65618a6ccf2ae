from aws_cdk import App, Duration, Stack
from cdk_queue_fleet import QueueFleet, WorkerCode, Workload

app = App()
stack = Stack(app, "Consumer")

jobs = QueueFleet(
    stack,
    "Jobs",
    workload=Workload(
        average_processing_time=Duration.seconds(20),
        acceptable_latency=Duration.minutes(10),
        peak_rate_per_second=0.5,
    ),
    code=WorkerCode.command(["./work.sh"], "worker"),
    min_capacity=0,
)

QueueFleet(
    stack,
    "Thumbnails",
    workload=Workload(
        average_processing_time=Duration.seconds(2),
        acceptable_latency=Duration.minutes(15),
    ),
    code=WorkerCode.from_module("src/thumbnail.ts"),
    vpc=jobs.fleet.vpc,
)

app.synth()
