import { type Bad, badTest } from './bad';
import { isInteger, type Samples, numbersOf } from './samples';

export type ContrastMode = 'percentile' | 'minmax' | 'fixed';

export interface Contrast {
  mode: ContrastMode;
  /** Per cent of the values that are cut off at each end. */
  percent: number;
  isLog: boolean;
  /** For `fixed`, and for what is held. */
  domain: [number, number];
  /** Whether other frames are shown as the one was that it was turned on for. */
  isHeld: boolean;
}

export interface Histogram {
  counts: Uint32Array;
  /** What the counts span: most of the values. Of integers, bins have whole numbers in their middle. */
  from: number;
  to: number;
  /** The same in values that there can be. */
  ends: [number, number];
  /** The least and the greatest value, and the least above 0; that is infinite if there is none. */
  min: number;
  max: number;
  minPositive: number;
  /** Some of the values, in their order. */
  sorted: Float64Array;
}

/** At most. */
const N_BINS = 256;
/** Values that are looked at to know how all are distributed. */
const N_SAMPLES = 1 << 14;
/** Values beyond these parts may be far off: dead pixels, masks. */
const OUTLIERS = 0.002;

export const NO_VALUES: Histogram = {
  counts: new Uint32Array(N_BINS),
  from: 0,
  to: 1,
  ends: [0, 1],
  min: 0,
  max: 1,
  minPositive: Infinity,
  sorted: new Float64Array(0),
};

/** How the finite values of a frame are distributed: of the pixels that count. */
export function histogramOf(samples: Samples, bad: Bad): Histogram {
  const values = numbersOf(samples);
  const isBad = badTest(bad);
  let min = Infinity;
  let max = -Infinity;
  let minPositive = Infinity;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i];
    if (isBad(value, i)) {
      continue;
    }
    if (value < min && value !== -Infinity) {
      min = value;
    }
    if (value < minPositive && value > 0) {
      minPositive = value;
    }
    if (value > max && value !== Infinity) {
      max = value;
    }
  }
  if (min > max) {
    return NO_VALUES;
  }
  // Odd: otherwise the same columns would be seen in every row.
  const step = Math.max(1, Math.floor(values.length / N_SAMPLES)) | 1;
  const taken = new Float64Array(Math.ceil(values.length / step));
  let n = 0;
  for (let i = 0; i < values.length; i += step) {
    if (Number.isFinite(values[i]) && !isBad(values[i], i)) {
      taken[n] = values[i];
      n += 1;
    }
  }
  const sorted = taken.subarray(0, n).sort();
  const low = quantile(sorted, OUTLIERS, min);
  const high = quantile(sorted, 1 - OUTLIERS, max);
  const bins = binsOf(
    Math.max(min, low - (high - low) / 2),
    Math.min(max, high + (high - low) / 2),
    isInteger(samples),
  );
  const counts = new Uint32Array(bins.n);
  for (const value of sorted) {
    if (value >= bins.from && value <= bins.to) {
      counts[Math.min(bins.n - 1, Math.floor((value - bins.from) / bins.width))] += 1;
    }
  }
  const { from, to } = bins;
  const ends: [number, number] = isInteger(samples) ? [Math.ceil(from), Math.floor(to)] : [from, to];
  return { counts, from, to, ends, min, max, minPositive, sorted };
}

/** Bins that span some values. Those of integers have as many of them as the others, or some would look empty. */
function binsOf(least: number, greatest: number, areIntegers: boolean) {
  if (!areIntegers) {
    const width = (greatest - least) / N_BINS || 1;
    return { n: N_BINS, width, from: least, to: least + N_BINS * width };
  }
  const from = Math.floor(least) - 0.5;
  const nValues = Math.max(1, Math.ceil(greatest) + 0.5 - from);
  const width = Math.ceil(nValues / N_BINS);
  const n = Math.ceil(nValues / width);
  return { n, width, from, to: from + n * width };
}

/** The value below which a part of the values lies. */
function quantile(sorted: Float64Array, part: number, otherwise: number): number {
  const index = Math.round(part * (sorted.length - 1));
  return sorted[index] ?? otherwise;
}

/** The values that are shown as the first and the last colour. */
export function domainOf(contrast: Contrast, histogram: Histogram): [number, number] {
  if (contrast.mode === 'fixed' || contrast.isHeld) {
    const [a, b] = contrast.domain;
    return [Math.min(a, b), Math.max(a, b)];
  }
  return domainOfFrame(contrast, histogram);
}

/** The same for what follows the frames. */
export function domainOfFrame(contrast: Contrast, { min, max, sorted }: Histogram): [number, number] {
  if (contrast.mode === 'minmax') {
    return [min, max];
  }
  const low = quantile(sorted, contrast.percent / 100, min);
  const high = quantile(sorted, 1 - contrast.percent / 100, max);
  return low < high ? [low, high] : [min, max];
}

/** The value that logarithmic colours begin at: there are none of values up to 0. */
export function logStart(low: number, high: number, { minPositive }: Histogram): number | undefined {
  const start = low > 0 ? low : minPositive;
  return start < high ? start : undefined;
}
