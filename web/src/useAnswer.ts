import { useEffect, useState } from 'react';

import { getJson, messageOf, Refusal } from './api';

export interface Answer<T> {
  value?: T;
  error?: string;
  /** Whether something else has to be asked for. */
  isUnusable?: boolean;
}

/** What the server says of a dataset; asked again when that is another one. Nothing if there is none. */
export function useAnswer<T>(name: string, file: string, path: string | undefined): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T>>({});
  useEffect(() => {
    const controller = new AbortController();
    setAnswer({});
    if (path === undefined) {
      return undefined;
    }
    getJson<T>(name, { file, path }, controller.signal).then(
      (value) => setAnswer({ value }),
      (error: unknown) => {
        if (!controller.signal.aborted) {
          setAnswer({ error: messageOf(error), isUnusable: error instanceof Refusal && error.status === 422 });
        }
      },
    );
    return () => controller.abort();
  }, [name, file, path]);
  return answer;
}
