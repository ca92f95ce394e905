import type { Stack } from '../api';
import type { Range } from './useRegion';

/** The indices of a frame in the dimensions before its own. */
export function indicesOf(index: number, leading: number[]): number[] {
  let rest = index;
  return leading
    .map((_, i) => leading[leading.length - 1 - i])
    .map((n) => {
      const at = rest % n;
      rest = Math.floor(rest / n);
      return at;
    })
    .toReversed();
}

/** Frames from one to the next along a dimension. */
export function strideOf(axis: number, leading: number[]): number {
  return leading.slice(axis + 1).reduce((product, n) => product * n, 1);
}

/** What a dimension is called. */
export function axisName({ labels, leading }: Stack, axis: number): string {
  return labels[axis] ?? (leading.length === 1 ? 'frame' : `dim ${axis}`);
}

/** All frames, or those along one dimension that have the other indices of a frame; from one of them to another. */
export function rangeOver({ leading, n_frames: n }: Stack, axis: number, index: number, [from, to]: [number, number]): Range {
  if (axis < 0 || leading.length < 2) {
    return { start: from, stop: Math.min(n, to + 1), step: 1 };
  }
  const step = strideOf(axis, leading);
  const first = index - indicesOf(index, leading)[axis] * step;
  return { start: first + from * step, stop: first + to * step + 1, step };
}

/** How many frames there are along a dimension, or in all. */
export function lengthOver({ leading, n_frames: n }: Stack, axis: number): number {
  return axis < 0 || leading.length < 2 ? n : leading[axis];
}
