/** What a run of the simulator is made of: the command line wins over the template, the template over the defaults. */
import { existsSync, readFileSync } from 'node:fs';
import type { RunOptions } from '../../sim/run-options';
import type { ScalingModel } from '../../sim/scaling-model';
import {
  empiricalServiceTime,
  exponentialServiceTime,
  fixedServiceTime,
  lognormalServiceTime,
  type ServiceTime,
} from '../../sim/service-time';
import { DEFAULT_TIMING, parseTiming } from '../../sim/timing';
import { parseTrace } from '../../sim/trace';
import {
  defaultDurationSeconds,
  namedWorkload,
  WORKLOAD_NAMES,
  type Workload,
  type WorkloadName,
} from '../../sim/workload';

/** What the command line says; times in seconds. */
export interface SimulateOptions {
  readonly workload: string;
  readonly seed: number;
  readonly compare?: string;
  readonly timing?: string;
  readonly json?: boolean;
  readonly chart?: string;
  readonly group?: string;
  readonly parameter: Readonly<Record<string, string>>;
  readonly processingTime?: number;
  readonly p99?: number;
  readonly service?: string;
  readonly latency?: number;
  readonly concurrency?: number;
  readonly rate?: number;
  readonly peak?: number;
  readonly burst?: number;
  readonly duration?: number;
  readonly failures?: number;
  readonly messageGroups?: number;
}

/** What a named workload is made of when neither the template nor an option says it: shares of the fleet's maximum. */
export const DEFAULT_PEAK_SHARE = 0.7;
export const DEFAULT_RATE_SHARE = 0.25;
/** Acceptable wait when nothing declares one. */
export const DEFAULT_LATENCY_SECONDS = 300;

/** What the template and the options settle. */
export type Settings = Pick<
  RunOptions,
  'model' | 'workload' | 'service' | 'concurrency' | 'acceptableLatencySeconds' | 'seed' | 'timing'
>;

/** @throws Error that names the option or the file that is wrong */
export function settingsOf(model: ScalingModel, options: SimulateOptions): Settings & Partial<RunOptions> {
  const declared = model.workload;
  const concurrency = options.concurrency ?? declared?.concurrency ?? model.worker?.concurrency ?? 1;
  const acceptableLatencySeconds = options.latency ?? declared?.acceptableLatencySeconds ?? DEFAULT_LATENCY_SECONDS;
  const isName = (WORKLOAD_NAMES as readonly string[]).includes(options.workload);
  if (!isName && !existsSync(options.workload)) {
    throw new Error(`--workload: '${options.workload}' is no file, and none of ${WORKLOAD_NAMES.join(', ')}`);
  }
  const trace = isName ? undefined : parseTrace(readText(options.workload), options.workload);
  const service = serviceOf(model, options, trace);
  const messageGroups = options.messageGroups ?? declared?.messageGroups;
  const mostRunning = Math.min(model.group.maxSize * concurrency, messageGroups ?? Infinity);
  const workload = trace ?? namedOf(model, options, { service, mostRunning, acceptableLatencySeconds });
  return {
    model,
    workload,
    service,
    concurrency,
    acceptableLatencySeconds,
    seed: options.seed,
    timing: options.timing === undefined ? DEFAULT_TIMING : parseTiming(readText(options.timing), options.timing),
    ...(options.failures === undefined ? {} : { failureShare: options.failures }),
    ...(messageGroups === undefined ? {} : { messageGroups }),
  };
}

function serviceOf(model: ScalingModel, options: SimulateOptions, trace: Workload | undefined): ServiceTime {
  const declared = model.workload;
  const kind = options.service;
  if (kind !== undefined && !['fixed', 'lognormal', 'exponential'].includes(kind)) {
    const lines = readText(kind).split(/\r?\n/);
    const times = lines.flatMap((line, i) => {
      if (line.trim() === '') return [];
      const time = Number(line);
      if (!Number.isFinite(time) || time < 0)
        throw new Error(`${kind}:${i + 1}: must be a number of seconds: '${line}'`);
      return [time];
    });
    return empiricalServiceTime(times);
  }
  const ofTrace = trace?.trace?.serviceSeconds.filter((seconds) => !Number.isNaN(seconds)) ?? new Float64Array();
  if (ofTrace.length > 0 && options.processingTime === undefined) return empiricalServiceTime([...ofTrace]);
  const mean = options.processingTime ?? declared?.averageProcessingTimeSeconds;
  if (mean === undefined) {
    throw new Error('the processing time is not declared in the template: give --processing-time SECONDS');
  }
  // A declared tail belongs to the declared average: with another average it is stretched along.
  const stretch = declared === undefined ? 1 : mean / declared.averageProcessingTimeSeconds;
  const declaredP99 = declared?.p99ProcessingTimeSeconds;
  if (options.p99 !== undefined && options.p99 < mean) {
    throw new Error(
      `--p99 (${options.p99} seconds) must not be less than the average processing time (${mean} seconds)`,
    );
  }
  const p99 = options.p99 ?? (declaredP99 === undefined ? undefined : declaredP99 * stretch);
  if (kind === 'exponential') return exponentialServiceTime(mean);
  if (kind === 'fixed' || p99 === undefined || (kind === undefined && p99 <= mean)) return fixedServiceTime(mean);
  return lognormalServiceTime(mean, p99);
}

function namedOf(
  model: ScalingModel,
  options: SimulateOptions,
  input: { readonly service: ServiceTime; readonly mostRunning: number; readonly acceptableLatencySeconds: number },
): Workload {
  const name = options.workload as WorkloadName;
  const largestRate = input.mostRunning / input.service.meanSeconds;
  const peakRatePerSecond = options.peak ?? model.workload?.peakRatePerSecond ?? largestRate * DEFAULT_PEAK_SHARE;
  const shape = {
    peakRatePerSecond,
    ratePerSecond: options.rate ?? peakRatePerSecond * DEFAULT_RATE_SHARE,
    burst: options.burst ?? model.workload?.burst ?? Math.ceil((largestRate * input.acceptableLatencySeconds) / 2),
    durationSeconds: options.duration ?? defaultDurationSeconds(name),
  };
  return namedWorkload(name, shape, options.seed);
}

/** @throws Error with the file's name */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${file}: cannot be read: ${(error as Error).message}`);
  }
}
