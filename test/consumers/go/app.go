package main

import (
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdk-queue-fleet/cdk-queue-fleet-go/cdkqueuefleet"
)

func main() {
	defer jsii.Close()
	directory := os.Getenv("WORKER_DIRECTORY")
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Consumer"), nil)
	cdkqueuefleet.NewQueueFleet(stack, jsii.String("Jobs"), &cdkqueuefleet.QueueFleetProps{
		Workload: cdkqueuefleet.NewWorkload(&cdkqueuefleet.WorkloadProps{
			AverageProcessingTime: awscdk.Duration_Seconds(jsii.Number(20)),
			AcceptableLatency:     awscdk.Duration_Minutes(jsii.Number(10)),
			PeakRatePerSecond:     jsii.Number(0.5),
		}),
		Code:        cdkqueuefleet.WorkerCode_Command(jsii.Strings("./work.sh"), jsii.String(directory)),
		MinCapacity: jsii.Number(0),
	})
	app.Synth(nil)
}
