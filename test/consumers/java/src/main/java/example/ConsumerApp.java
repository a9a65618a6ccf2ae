package example;

import io.github.cdkqueuefleet.QueueFleet;
import io.github.cdkqueuefleet.WorkerCode;
import io.github.cdkqueuefleet.Workload;
import java.util.List;
import software.amazon.awscdk.App;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.Stack;

public final class ConsumerApp {
  public static void main(final String[] args) {
    final App app = new App();
    final Stack stack = new Stack(app, "Consumer");

    final QueueFleet jobs =
        QueueFleet.Builder.create(stack, "Jobs")
            .workload(
                Workload.Builder.create()
                    .averageProcessingTime(Duration.seconds(20))
                    .acceptableLatency(Duration.minutes(10))
                    .peakRatePerSecond(0.5)
                    .build())
            .code(WorkerCode.command(List.of("./work.sh"), "worker"))
            .minCapacity(0)
            .build();

    QueueFleet.Builder.create(stack, "Thumbnails")
        .workload(
            Workload.Builder.create()
                .averageProcessingTime(Duration.seconds(2))
                .acceptableLatency(Duration.minutes(15))
                .build())
        .code(WorkerCode.fromModule("src/thumbnail.ts"))
        .vpc(jobs.getFleet().getVpc())
        .build();

    app.synth();
  }
}
