import { useMemo } from 'react';

import type { Stack } from '../api';
import { NUMBER, numbers, useKept } from '../kept';
import { lengthOver, rangeOver } from './over';
import type { Range } from './useRegion';

export interface Over {
  /** The dimension; -1 for all frames. */
  axis: number;
  setAxis: (axis: number) => void;
  /** The first and the last, along it. */
  ends: [number, number];
  setEnds: (ends: [number, number]) => void;
  range: Range;
}

const ENDS = numbers<[number, number]>(2);

/** The frames that something is computed or made of. */
export function useOver(place: { file: string; path: string }, stack: Stack, index: number): Over {
  const [kept, setAxis] = useKept(place, 'over', NUMBER, -1);
  const axis = Number.isInteger(kept) && kept < stack.leading.length && stack.leading.length > 1 ? Math.max(-1, kept) : -1;
  const [keptEnds, setEnds] = useKept(place, 'range', ENDS, undefined);
  const n = lengthOver(stack, axis);
  const [from, to] = keptEnds ?? [0, n - 1];
  const isThere = Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to && to < n;
  const [first, last] = isThere ? [from, to] : [0, n - 1];
  const { start, stop, step } = rangeOver(stack, axis, index, [first, last]);
  // The same object as long as it says the same.
  const range = useMemo(() => ({ start, stop, step }), [start, stop, step]);
  return {
    axis,
    setAxis: (next) => {
      setAxis(next);
      setEnds(undefined);
    },
    ends: [first, last],
    setEnds,
    range,
  };
}
