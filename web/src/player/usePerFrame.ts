import { useEffect, useState } from 'react';

import { getBytes, getJson, type Stack } from '../api';
import { exact } from './format';
import { samplesOf } from './samples';

export interface PerFrame {
  path: string;
  select: (path: string) => void;
  text: (index: number) => string;
}

/** A dataset with a value for each frame: times, if there is one that is called so. */
export function usePerFrame(file: string, stack: Stack): PerFrame {
  const first = stack.per_frame.find((dataset) => !dataset.is_not_time);
  const [path, select] = useState(first?.path ?? '');
  const [textOf, setTextOf] = useState<(index: number) => string>(() => nothing);
  const dataset = stack.per_frame.find((one) => one.path === path);
  const dtype = dataset?.dtype ?? null;
  useEffect(() => {
    setTextOf(() => nothing);
    if (!path) {
      return undefined;
    }
    const controller = new AbortController();
    read(file, path, dtype, controller.signal).then(
      (text) => setTextOf(() => text),
      () => undefined,
    );
    return () => controller.abort();
  }, [file, path, dtype]);
  return { path, select, text: (index) => withUnits(textOf(index), dataset?.units) };
}

function withUnits(text: string, units?: string | null): string {
  return text && units ? `${text} ${units}` : text;
}

function nothing(): string {
  return '';
}

/** Numbers are exact: times in nanoseconds have more digits than JavaScript's own numbers. */
async function read(file: string, path: string, dtype: string | null, signal: AbortSignal) {
  if (dtype) {
    const bytes = await getBytes('data', { file, path, format: 'bin', dtype: 'safe' }, signal);
    const samples = samplesOf(dtype, bytes);
    return (index: number) => (index < samples.length ? exact(samples, index) : '');
  }
  const values = await getJson<unknown[]>('data', { file, path, flatten: 'true' }, signal);
  return (index: number) => (index < values.length ? String(values[index]) : '');
}
