/** How long one job takes on one slot. */
import type { Random } from './random';

/** A distribution of service times. */
export interface ServiceTime {
  /** For people: `lognormal, mean 180 s, p99 720 s`. */
  readonly text: string;
  readonly meanSeconds: number;
  draw(random: Random): number;
  /** Time that a share of the jobs stays below. */
  quantile(share: number): number;
}

/** Every job takes the same time. */
export function fixedServiceTime(meanSeconds: number): ServiceTime {
  return { text: `fixed, ${meanSeconds} s`, meanSeconds, draw: () => meanSeconds, quantile: () => meanSeconds };
}

/** Memoryless service, the M of queueing theory. */
export function exponentialServiceTime(meanSeconds: number): ServiceTime {
  return {
    text: `exponential, mean ${meanSeconds} s`,
    meanSeconds,
    draw: (random) => random.exponential(meanSeconds),
    quantile: (share) => -meanSeconds * Math.log(1 - share),
  };
}

/** Normal quantile of 0.99. */
const Z99 = 2.3263478740408408;

/**
 * Lognormal by its mean and 99th percentile. A lognormal's p99 is at most 14.9 times its mean: a larger one is refused.
 *
 * @throws RangeError when no lognormal has this mean and this 99th percentile
 */
export function lognormalServiceTime(meanSeconds: number, p99Seconds: number): ServiceTime {
  const ratio = Math.log(p99Seconds / meanSeconds);
  const root = Z99 * Z99 - 2 * ratio;
  if (!(ratio >= 0) || root < 0) {
    throw new RangeError(
      `the 99th percentile (${p99Seconds} seconds) must be 1 to ${Math.exp((Z99 * Z99) / 2).toFixed(1)} times the average (${meanSeconds} seconds)`,
    );
  }
  const sigma = Z99 - Math.sqrt(root);
  const mu = Math.log(meanSeconds) - (sigma * sigma) / 2;
  return {
    text: `lognormal, mean ${meanSeconds} s, p99 ${p99Seconds} s`,
    meanSeconds,
    draw: (random) => Math.exp(mu + sigma * random.normal()),
    quantile: (share) => Math.exp(mu + sigma * normalQuantile(share)),
  };
}

/**
 * Draws from measured times.
 *
 * @throws RangeError without any time
 */
export function empiricalServiceTime(samplesSeconds: readonly number[]): ServiceTime {
  if (samplesSeconds.length === 0) throw new RangeError('needs at least one measured service time');
  const sorted = [...samplesSeconds].sort((a, b) => a - b);
  const at = (index: number) => sorted[Math.min(sorted.length - 1, index)] ?? 0;
  return {
    text: `${sorted.length} measured times`,
    meanSeconds: sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    draw: (random) => at(random.below(sorted.length)),
    quantile: (share) => at(Math.floor(share * sorted.length)),
  };
}

/** Normal quantile by Acklam's rational approximation: relative error below 1.2e-9. */
export function normalQuantile(share: number): number {
  const a = [
    -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239,
  ];
  const b = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572];
  const c = [
    -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ];
  const d = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416];
  const polynomial = (coefficients: readonly number[], x: number) => coefficients.reduce((sum, k) => sum * x + k, 0);
  if (share <= 0) return -Infinity;
  if (share >= 1) return Infinity;
  if (share < 0.02425 || share > 1 - 0.02425) {
    const q = Math.sqrt(-2 * Math.log(Math.min(share, 1 - share)));
    const x = polynomial(c, q) / (polynomial(d, q) * q + 1);
    return share < 0.5 ? x : -x;
  }
  const q = share - 0.5;
  const r = q * q;
  return (polynomial(a, r) * q) / (polynomial(b, r) * r + 1);
}
