import { type Samples } from './samples';

/** Pixels that do not count: which values, and which places. */
export interface Bad {
  values: number[];
  /** Not 0 where a pixel is bad. */
  mask: Uint8Array | undefined;
}

export const NO_BAD: Bad = { values: [], mask: undefined };

/** The same pixels in the words of the server. */
export interface MarkParameters {
  mask?: string;
  bad_value?: number;
  bad_max?: 'true';
}

const LARGEST: Record<string, number> = {
  u1: 2 ** 8 - 1,
  u2: 2 ** 16 - 1,
  u4: 2 ** 32 - 1,
  u8: 2 ** 64 - 1,
  i1: 2 ** 7 - 1,
  i2: 2 ** 15 - 1,
  i4: 2 ** 31 - 1,
  i8: 2 ** 63 - 1,
};

/** The largest value of a type of integers, which detectors give to pixels that do not work. */
export function largestOf(dtype: string): number | undefined {
  return LARGEST[dtype.slice(1)];
}

/** A value as the frame's type would hold it. */
export function nearest(value: number, dtype: string): number {
  return dtype.endsWith('f4') ? Math.fround(value) : value;
}

export function maskOf(samples: Samples): Uint8Array {
  return Uint8Array.from(samples as ArrayLike<number>, (value) => Number(Number(value) !== 0));
}

/** Tells whether a pixel is bad. */
export function badTest({ values, mask }: Bad): (value: number, index: number) => boolean {
  const [first = NaN, second = NaN] = values;
  return mask
    ? (value, index) => mask[index] !== 0 || value === first || value === second
    : (value) => value === first || value === second;
}
