import { useMemo } from 'react';

import type { Stack } from '../api';
import { FLAG, TEXT, useKept } from '../kept';
import { useAnswer } from '../useAnswer';
import type { Beside } from './ComparePanel';
import type { Movie } from './usePlayback';

export interface BesideMovie {
  chosen: Beside;
  choose: (beside: Beside) => void;
  /** The dataset, when it is known. */
  movie: Movie | undefined;
  error: string | undefined;
}

/** The dataset that is shown beside another one. */
export function useBeside(movie: Movie): BesideMovie {
  const [file, setFile] = useKept(movie, 'file2', TEXT, movie.file);
  const [path, setPath] = useKept(movie, 'path2', TEXT, '');
  const [isLinked, setLinked] = useKept(movie, 'linked', FLAG, true);
  const { value: stack, error } = useAnswer<Stack>('stack', file, path || undefined);
  const isThere = stack && stack.n_frames > 0 && stack.width > 0 && stack.height > 0;
  const other = useMemo(() => (path && isThere ? { file, path, stack } : undefined), [file, path, stack, isThere]);
  return {
    chosen: { file, path, isLinked },
    choose: (next) => {
      setFile(next.file);
      setPath(next.path);
      setLinked(next.isLinked);
    },
    movie: other,
    error: error ?? (stack && !isThere ? 'The dataset has no frames.' : undefined),
  };
}
