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
    final String directory = System.getenv().getOrDefault("WORKER_DIRECTORY", "worker");
    QueueFleet.Builder.create(stack, "Jobs")
        .workload(
            Workload.Builder.create()
                .averageProcessingTime(Duration.seconds(20))
                .acceptableLatency(Duration.minutes(10))
                .peakRatePerSecond(0.5)
                .build())
        .code(WorkerCode.command(List.of("./work.sh"), directory))
        .minCapacity(0)
        .build();
    app.synth();
  }
}
