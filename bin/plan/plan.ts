import { adviseWorkload, checkWorkload } from '../../lib/private/scaling/check-workload';
import { needFormula, needOf } from '../../lib/scaling/need';
import {
  sizeWorkload,
  spareCapacity,
  worstWaitSeconds,
  type DeclaredWorkload,
  type Sizing,
} from '../../lib/scaling/sizing';

/** What the command line says; times in seconds. */
export interface PlanOptions {
  readonly processingTime: number;
  readonly p99?: number;
  readonly latency: number;
  readonly concurrency: number;
  readonly peak?: number;
  readonly burst?: number;
  readonly boot?: number;
  readonly warmPool: boolean;
  readonly spot: boolean;
  readonly min: number;
  readonly max?: number;
  readonly json: boolean;
}

/** A plan: the derived settings, and what they mean for a group of `min` to `max` instances. */
export interface Plan {
  readonly sizing: Sizing;
  readonly minCapacity: number;
  readonly maxCapacity: number;
  /** Instances for a number of waiting messages. */
  readonly instancesForWaiting: readonly { readonly messages: number; readonly instances: number }[];
  /** Wait after the load jumps by a number of instances' worth while the minimum stands idle. */
  readonly worstWaits: readonly {
    readonly instanceLoads: number;
    readonly seconds: number;
    readonly spareForGoal: number;
  }[];
  readonly warnings: readonly { readonly id: string; readonly text: string }[];
}

/** Group size when neither a maximum nor a peak is given: that of `QueueFleet`. */
const DEFAULT_MAX_CAPACITY = 10;

/**
 * Derives the plan.
 *
 * @throws Error with every broken rule of the declared workload
 */
export function planOf(options: PlanOptions): Plan {
  const declared: DeclaredWorkload = {
    averageProcessingSeconds: options.processingTime,
    p99ProcessingSeconds: options.p99,
    acceptableLatencySeconds: options.latency,
    concurrency: options.concurrency,
    peakRatePerSecond: options.peak,
    burst: options.burst,
    bootSeconds: options.boot,
    warmPool: options.warmPool,
    spot: options.spot,
  };
  const violations = checkWorkload(declared);
  if (violations.length > 0) throw new Error(violations.map(({ code, text }) => `${code}: ${text}`).join('\n'));

  const sizing = sizeWorkload(declared);
  const minCapacity = options.min;
  const maxCapacity = options.max ?? Math.max(sizing.minimumMaxCapacity ?? DEFAULT_MAX_CAPACITY, minCapacity);
  if (maxCapacity < minCapacity) {
    throw new Error(`'--max' (${maxCapacity} instances) must be at least '--min' (${minCapacity} instances): raise it`);
  }
  const formula = needFormula(sizing, { periodSeconds: 60, noise: 2 });
  /** Most messages for which a number of instances is enough; the first message may need several. */
  const messagesOf = (n: number) => Math.max(1, Math.floor(n / formula.perWaiting + 1e-9));
  const instances = [...new Set([1, 2, 5, 10, 20, 50, maxCapacity])]
    .filter((n) => n <= maxCapacity)
    .sort((a, b) => a - b);
  return {
    sizing,
    minCapacity,
    maxCapacity,
    instancesForWaiting: [...new Set(instances.map(messagesOf))].map((messages) => {
      const need = Math.ceil(needOf(formula, { visible: messages, inFlight: 0, sent: 0 }));
      return { messages, instances: Math.max(minCapacity, Math.min(maxCapacity, need)) };
    }),
    worstWaits: instances.map((n) => ({
      instanceLoads: n,
      seconds: Math.round(worstWaitSeconds(sizing, n, minCapacity) * 1000) / 1000,
      spareForGoal: spareCapacity(sizing, n),
    })),
    warnings: adviseWorkload(sizing, { min: minCapacity, max: maxCapacity }).map(({ warning, text }) => ({
      id: `cdk-queue-fleet:${warning.id}`,
      text,
    })),
  };
}
