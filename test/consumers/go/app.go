package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdk-queue-fleet/cdk-queue-fleet-go/cdkqueuefleet"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Consumer"), nil)

	jobs := cdkqueuefleet.NewQueueFleet(stack, jsii.String("Jobs"), &cdkqueuefleet.QueueFleetProps{
		Workload: cdkqueuefleet.NewWorkload(&cdkqueuefleet.WorkloadProps{
			AverageProcessingTime: awscdk.Duration_Seconds(jsii.Number(20)),
			AcceptableLatency:     awscdk.Duration_Minutes(jsii.Number(10)),
			PeakRatePerSecond:     jsii.Number(0.5),
		}),
		Code:        cdkqueuefleet.WorkerCode_Command(jsii.Strings("./work.sh"), jsii.String("worker")),
		MinCapacity: jsii.Number(0),
	})

	cdkqueuefleet.NewQueueFleet(stack, jsii.String("Thumbnails"), &cdkqueuefleet.QueueFleetProps{
		Workload: cdkqueuefleet.NewWorkload(&cdkqueuefleet.WorkloadProps{
			AverageProcessingTime: awscdk.Duration_Seconds(jsii.Number(2)),
			AcceptableLatency:     awscdk.Duration_Minutes(jsii.Number(15)),
		}),
		Code: cdkqueuefleet.WorkerCode_FromModule(jsii.String("src/thumbnail.ts"), nil),
		Vpc:  jobs.Fleet().Vpc(),
	})

	app.Synth(nil)
}
