import { useEffect, useState } from 'react';

import { messageOf, type Parameters, request, type Stack } from '../api';
import type { MarkParameters } from './bad';
import { countOf, type Range } from './useRegion';

export type Kind = 'mean' | 'max' | 'std';

/** What is known of each pixel over some frames. */
export interface Projection {
  planes: Planes;
  /** Pixels of all that have been looked at: all at 1. */
  progress: number;
  error?: string;
}

export interface Planes {
  n: Float64Array;
  mean: Float64Array;
  /** Sums of squared differences from the mean. */
  squares: Float64Array;
  max: Float64Array;
}

/** Projections of a dataset, as far as they have come; what is asked for no more is not computed. */
export function useProjection(
  file: string,
  path: string,
  stack: Stack,
  marks: MarkParameters,
  range: Range | undefined,
): Projection | undefined {
  const [projection, setProjection] = useState<Projection>();
  // Objects are new each time.
  const wanted = JSON.stringify(range && { range, marks });
  useEffect(() => {
    if (!wanted) {
      setProjection(undefined);
      return undefined;
    }
    const controller = new AbortController();
    const asked = JSON.parse(wanted) as { range: Range; marks: MarkParameters };
    const planes = planesOf(stack.width * stack.height * stack.n_components);
    const nSteps = stack.height * countOf(asked.range);
    let progress = 0;
    setProjection({ planes, progress });
    const run = async () => {
      for (let top = 0; top < stack.height; top += stack.projection_rows) {
        const height = Math.min(stack.projection_rows, stack.height - top);
        let start: number | null = asked.range.start;
        while (start !== null) {
          const parameters: Parameters = { file, path, top, height, ...asked.marks, ...asked.range, start };
          const response: Response = await request('projection', parameters, controller.signal);
          const next = response.headers.get('h5h264-next');
          join(planes, new Float64Array(await response.arrayBuffer()), top * stack.width * stack.n_components);
          const end = next === null ? asked.range.stop : Number(next);
          progress += (height * countOf({ ...asked.range, start, stop: end })) / nSteps;
          start = next === null ? null : end;
          // A new object of the same planes: what is shown is drawn again.
          setProjection({ planes, progress: Math.min(progress, 1) });
        }
      }
      setProjection({ planes, progress: 1 });
    };
    run().catch((error: unknown) => {
      if (!controller.signal.aborted) {
        setProjection({ planes, progress, error: messageOf(error) });
      }
    });
    return () => controller.abort();
  }, [file, path, stack, wanted]);
  return projection;
}

function planesOf(n: number): Planes {
  return { n: new Float64Array(n), mean: new Float64Array(n), squares: new Float64Array(n), max: new Float64Array(n).fill(-Infinity) };
}

/** Adds what is known of some pixels over more frames. */
function join(planes: Planes, more: Float64Array, first: number): void {
  const len = more.length / 4;
  const [n, mean, squares, max] = [0, 1, 2, 3].map((i) => more.subarray(i * len, (i + 1) * len));
  for (let i = 0; i < len; i += 1) {
    const at = first + i;
    const before = planes.n[at];
    const all = before + n[i];
    if (n[i] > 0) {
      const apart = mean[i] - planes.mean[at];
      planes.mean[at] += (apart * n[i]) / all;
      planes.squares[at] += squares[i] + (apart * apart * before * n[i]) / all;
      planes.max[at] = Math.max(planes.max[at], max[i]);
      planes.n[at] = all;
    }
  }
}

/** What is shown of it; NaN where no value counts. */
export function pictureOf({ n, mean, squares, max }: Planes, kind: Kind): Float64Array {
  const of = {
    mean: (i: number) => mean[i],
    max: (i: number) => max[i],
    std: (i: number) => Math.sqrt(squares[i] / n[i]),
  }[kind];
  return Float64Array.from(n, (count, i) => (count > 0 ? of(i) : NaN));
}
