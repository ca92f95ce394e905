import { useEffect, useRef, useState } from 'react';

import { messageOf, type Parameters, request } from '../api';
import { save } from './download';

export interface MovieMaking {
  /** Frames that have been written, of how many; `undefined` if no file is being made. */
  progress: { done: number; all: number } | undefined;
  error: string | undefined;
  make: (parameters: Parameters, nFrames: number, name: string) => void;
  cancel: () => void;
}

/** Lets the server make a file of frames, and saves it. */
export function useMovie(): MovieMaking {
  const [progress, setProgress] = useState<MovieMaking['progress']>();
  const [error, setError] = useState<string>();
  const controller = useRef<AbortController>();
  useEffect(() => () => controller.current?.abort(), []);

  const make = (parameters: Parameters, all: number, name: string) => {
    controller.current?.abort();
    const { signal } = (controller.current = new AbortController());
    setError(undefined);
    setProgress({ done: 0, all });
    fetchFile({ ...parameters, progress: 'true' }, signal, (done) => setProgress({ done, all })).then(
      (file) => {
        save(file, name);
        setProgress(undefined);
      },
      (failure: unknown) => {
        if (!signal.aborted) {
          setError(messageOf(failure));
          setProgress(undefined);
        }
      },
    );
  };
  const cancel = () => {
    controller.current?.abort();
    setProgress(undefined);
  };
  return { progress, error, make, cancel };
}

const LINE_END = 10;
const FAILURE = 33;

/** A dot comes for each frame, then a line's end and the file, or `!` and why there is none. */
async function fetchFile(parameters: Parameters, signal: AbortSignal, onFrame: (done: number) => void): Promise<Blob> {
  const response = await request('movie', parameters, signal);
  const reader = response.body!.getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let done = 0;
  let isFailed = false;
  let isFile = false;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    const bytes = read.value;
    if (isFile || isFailed) {
      parts.push(bytes);
      continue;
    }
    const end = bytes.findIndex((byte) => byte === LINE_END || byte === FAILURE);
    done += end < 0 ? bytes.length : end;
    onFrame(done);
    if (end >= 0) {
      isFailed = bytes[end] === FAILURE;
      isFile = !isFailed;
      parts.push(bytes.slice(end + 1));
    }
  }
  const file = new Blob(parts);
  if (!isFile) {
    throw new Error(isFailed ? await file.text() : 'The server has ended before the file was ready');
  }
  return file;
}
