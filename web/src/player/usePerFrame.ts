import { useCallback, useEffect, useState } from 'react';

import { getBytes, getJson } from '../api';
import { TEXT, useKept } from '../kept';
import { exact } from './format';
import { samplesOf } from './samples';
import type { Movie } from './usePlayback';

export interface PerFrame {
  path: string;
  select: (path: string) => void;
  text: (index: number) => string;
  /** Whether the values are times in a known unit. */
  isTime: boolean;
  /** The time of a frame, if it is known. */
  seconds: (index: number) => number | undefined;
}

interface Values {
  text: (index: number) => string;
  /** From the first one on: all digits of times in nanoseconds since 1970 do not fit. */
  number: (index: number) => number | undefined;
}

/** Seconds. */
const UNITS: Record<string, number> = {
  s: 1, sec: 1, second: 1, seconds: 1, ms: 1e-3, millisecond: 1e-3, milliseconds: 1e-3, us: 1e-6, µs: 1e-6, μs: 1e-6,
  microsecond: 1e-6, microseconds: 1e-6, ns: 1e-9, nanosecond: 1e-9, nanoseconds: 1e-9, min: 60, minutes: 60, h: 3600, hours: 3600,
};

const NOTHING: Values = { text: () => '', number: () => undefined };

/** A dataset with a value for each frame: times, if there is one that is called so. */
export function usePerFrame(movie: Movie): PerFrame {
  const { file, stack } = movie;
  const first = stack.per_frame.find((dataset) => !dataset.is_not_time);
  const [path, select] = useKept(movie, 'times', TEXT, first?.path ?? '');
  const [values, setValues] = useState<Values>(NOTHING);
  const dataset = stack.per_frame.find((one) => one.path === path);
  const dtype = dataset?.dtype ?? null;
  const isThere = dataset !== undefined;
  useEffect(() => {
    setValues(NOTHING);
    if (!isThere) {
      return undefined;
    }
    const controller = new AbortController();
    read(file, path, dtype, controller.signal).then(setValues, () => undefined);
    return () => controller.abort();
  }, [file, path, dtype, isThere]);
  // As in "seconds since 1970-01-01".
  const unit = UNITS[(dataset?.units ?? '').trim().split(' ')[0]] as number | undefined;
  const seconds = useCallback(
    (index: number) => {
      const number = values.number(index);
      return unit === undefined || number === undefined ? undefined : number * unit;
    },
    [values, unit],
  );
  const isTime = unit !== undefined && dataset?.is_not_time === false && dtype !== null;
  return { path, select, text: (index) => withUnits(values.text(index), dataset?.units), isTime, seconds };
}

function withUnits(text: string, units?: string | null): string {
  return text && units ? `${text} ${units}` : text;
}

/** Numbers are exact: times in nanoseconds have more digits than JavaScript's own numbers. */
async function read(file: string, path: string, dtype: string | null, signal: AbortSignal): Promise<Values> {
  if (dtype) {
    const bytes = await getBytes('data', { file, path, format: 'bin', dtype: 'safe' }, signal);
    const samples = samplesOf(dtype, bytes);
    const has = (index: number) => index < samples.length;
    return {
      text: (index) => (has(index) ? exact(samples, index) : ''),
      number: (index) => (has(index) ? differenceOf(samples[index], samples[0]) : undefined),
    };
  }
  const values = await getJson<unknown[]>('data', { file, path, flatten: 'true' }, signal);
  return { text: (index) => (index < values.length ? String(values[index]) : ''), number: () => undefined };
}

function differenceOf(value: number | bigint, first: number | bigint): number {
  return typeof value === 'bigint' && typeof first === 'bigint' ? Number(value - first) : Number(value) - Number(first);
}
