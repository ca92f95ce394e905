import type { Samples } from './samples';

/** A number in as many digits as people read. */
export function short(value: number, nDigits = 5): string {
  if (Math.abs(value) >= 1e9) {
    return value.toPrecision(nDigits);
  }
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(nDigits)));
}

/** A value in full precision. */
export function exact(samples: Samples, index: number): string {
  const value = samples[index];
  return samples instanceof Float32Array ? String(Number(Number(value).toPrecision(9))) : String(value);
}

/** A number of bytes. */
export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const unit = n < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(n) / 3));
  const value = n / 1000 ** unit;
  return `${unit === 0 ? String(n) : value.toPrecision(value >= 100 ? 3 : 2 + Number(value >= 10))} ${units[unit]}`;
}
