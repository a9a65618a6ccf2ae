import os

from aws_cdk import App, Duration, Stack
from cdk_queue_fleet import QueueFleet, WorkerCode, Workload

app = App()
stack = Stack(app, "Consumer")
QueueFleet(
    stack,
    "Jobs",
    workload=Workload(
        average_processing_time=Duration.seconds(20),
        acceptable_latency=Duration.minutes(10),
        peak_rate_per_second=0.5,
    ),
    code=WorkerCode.command(["./work.sh"], os.environ.get("WORKER_DIRECTORY", "worker")),
    min_capacity=0,
)
app.synth()
