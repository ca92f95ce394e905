import { useEffect, useState } from 'react';

import { type Checked, type CheckedChunk, getJson, messageOf } from '../api';

export interface Progress {
  chunks: Map<number, CheckedChunk>;
  /** The first chunk that was not looked at; `undefined` at the end. */
  next?: number;
  error?: string;
}

/** Looks at all chunks of a dataset, some megabytes at a time. */
export function useChecked(file: string, path: string, isEnabled: boolean): Progress {
  const [progress, setProgress] = useState<Progress>({ chunks: new Map(), next: 0 });
  useEffect(() => {
    if (!isEnabled) {
      return undefined;
    }
    const controller = new AbortController();
    const run = async () => {
      const chunks = new Map<number, CheckedChunk>();
      let start: number | null = 0;
      while (start !== null) {
        const answer: Checked = await getJson<Checked>('chunks/check', { file, path, start }, controller.signal);
        answer.chunks.forEach((chunk) => chunks.set(chunk.index, chunk));
        start = answer.next;
        setProgress({ chunks, next: start ?? undefined });
      }
    };
    run().catch((error: unknown) => {
      if (!controller.signal.aborted) {
        setProgress((was) => ({ ...was, error: messageOf(error) }));
      }
    });
    return () => controller.abort();
  }, [file, path, isEnabled]);
  return progress;
}
