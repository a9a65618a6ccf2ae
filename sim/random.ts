/** Random numbers that a seed determines, the same on every machine. */

/** A range of seconds, both ends included. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/**
 * xoshiro128** (Blackman and Vigna), seeded by splitmix32.
 *
 * @see https://prng.di.unimi.it/
 */
export class Random {
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;
  #spareNormal = NaN;

  /**
   * @param seed any integer
   * @param stream name of an independent sequence: what one part draws does not shift what another part draws
   */
  constructor(seed: number, stream = '') {
    let state = seed | 0;
    for (let i = 0; i < stream.length; i++) state = Math.imul(state ^ stream.charCodeAt(i), 0x01000193);
    const split = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let z = state ^ (state >>> 16);
      z = Math.imul(z, 0x21f0aaad);
      z ^= z >>> 15;
      z = Math.imul(z, 0x735a2d97);
      return z ^ (z >>> 15);
    };
    this.#a = split();
    this.#b = split();
    this.#c = split();
    this.#d = split();
  }

  /** Uniform in [0, 1). */
  next(): number {
    const scrambled = Math.imul(this.#b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result / 4_294_967_296;
  }

  /** Uniform in a range. */
  within(range: Range): number {
    return range.min + (range.max - range.min) * this.next();
  }

  /** Uniform integer in [0, count). */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  /** Exponential with the given mean. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.next());
  }

  /** Standard normal (Marsaglia's polar method). */
  normal(): number {
    if (!Number.isNaN(this.#spareNormal)) {
      const spare = this.#spareNormal;
      this.#spareNormal = NaN;
      return spare;
    }
    for (;;) {
      const u = 2 * this.next() - 1;
      const v = 2 * this.next() - 1;
      const s = u * u + v * v;
      if (s >= 1 || s === 0) continue;
      const factor = Math.sqrt((-2 * Math.log(s)) / s);
      this.#spareNormal = v * factor;
      return u * factor;
    }
  }

  /** Poisson with the given mean: by inversion when it is small, as a rounded normal from 50 on. */
  poisson(mean: number): number {
    if (mean <= 0) return 0;
    if (mean >= 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * this.normal()));
    let product = this.next();
    const floor = Math.exp(-mean);
    let count = 0;
    while (product > floor) {
      count++;
      product *= this.next();
    }
    return count;
  }
}
