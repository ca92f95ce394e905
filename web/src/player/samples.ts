/** Values of a frame, as the server sends them. */

export type Samples =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

const ARRAYS = {
  u1: Uint8Array,
  b1: Uint8Array,
  i1: Int8Array,
  u2: Uint16Array,
  i2: Int16Array,
  u4: Uint32Array,
  i4: Int32Array,
  u8: BigUint64Array,
  i8: BigInt64Array,
  f4: Float32Array,
  f8: Float64Array,
};

/** Takes NumPy's word for the type, little-endian. */
export function samplesOf(dtype: string, bytes: ArrayBuffer): Samples {
  const constructor = ARRAYS[dtype.slice(1) as keyof typeof ARRAYS];
  if (!constructor) {
    throw new Error(`values of type ${dtype} are not shown`);
  }
  return new constructor(bytes);
}

export function isInteger(samples: Samples): boolean {
  return !(samples instanceof Float32Array || samples instanceof Float64Array);
}

/** The same as numbers, for what is drawn: integers of 64 bits may lose their last digits. */
export function numbersOf(samples: Samples): Exclude<Samples, BigInt64Array | BigUint64Array> {
  return samples instanceof BigInt64Array || samples instanceof BigUint64Array
    ? Float64Array.from(samples, Number)
    : samples;
}
