/**
 * KEDA's queue scaler with the defaults of the horizontal pod autoscaler (HPA) that it drives.
 *
 * - The metric is visible plus in-flight messages (`scaleOnInFlight` is true by default).
 *   https://keda.sh/docs/latest/scalers/aws-sqs/
 * - `useCachedMetrics` is false by default, so each round of the HPA reads the queue; `pollingInterval` (30 s) only
 *   decides between zero instances and one. https://keda.sh/docs/2.15/reference/scaledobject-spec/
 * - A round each 15 s; within 10 % of the target nothing changes; at most 4 more or twice as many in 15 s; down to the
 *   largest wish of the last 300 s. https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
 */
import type { ScalingEvent, Snapshot } from './scaling-engine';
import type { ScalingModel } from './scaling-model';
import type { Controller } from './simulator';

const HPA_SYNC_SECONDS = 15;
const HPA_TOLERANCE = 0.1;
const HPA_WINDOW_SECONDS = 300;
const HPA_LEAST_GROWTH = 4;

/** The scaler; it takes the place of CloudWatch and Auto Scaling. */
export class KedaController implements Controller {
  readonly #min: number;
  readonly #max: number;
  /** `queueLength`: messages that one instance is meant to have. */
  readonly #queueLength: number;
  #wishes: { readonly atSeconds: number; readonly wanted: number }[] = [];
  #desired = 0;
  nextWakeSeconds = HPA_SYNC_SECONDS;

  constructor(model: ScalingModel, queueLength: number) {
    this.#min = model.group.minSize;
    this.#max = model.group.maxSize;
    this.#queueLength = queueLength;
  }

  observe(nowSeconds: number, snapshot: Snapshot): void {
    const messages = Object.values(snapshot.queues).reduce((sum, queue) => sum + queue.visible + queue.notVisible, 0);
    this.#desired = snapshot.group.desired;
    const instances = messages / this.#queueLength;
    const isNear = Math.abs(1 - instances / this.#desired) <= HPA_TOLERANCE;
    const wanted = isNear ? this.#desired : Math.ceil(instances);
    this.#wishes.push({ atSeconds: nowSeconds, wanted: Math.min(this.#max, Math.max(this.#min, wanted)) });
    this.#wishes = this.#wishes.filter((wish) => wish.atSeconds > nowSeconds - HPA_WINDOW_SECONDS);
  }

  advance(nowSeconds: number): readonly ScalingEvent[] {
    if (nowSeconds < this.nextWakeSeconds) return [];
    this.nextWakeSeconds = nowSeconds + HPA_SYNC_SECONDS;
    const from = this.#desired;
    const wanted = this.#wishes.at(-1)?.wanted ?? from;
    const to =
      wanted > from
        ? Math.min(wanted, Math.max(from + HPA_LEAST_GROWTH, from * 2))
        : Math.min(from, Math.max(...this.#wishes.map((wish) => wish.wanted)));
    if (to === from) return [];
    return [
      {
        kind: 'capacity',
        atSeconds: nowSeconds,
        policyLogicalId: 'keda',
        alarmLogicalId: 'poll',
        step: 'any',
        value: wanted,
        from,
        to,
        reason: `${wanted} wanted`,
      },
    ];
  }
}
