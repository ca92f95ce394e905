import { useEffect, useState } from 'react';

import { type Columns, getJson, messageOf, type Parameters, type Region } from '../api';
import type { MarkParameters } from './bad';
import type { Rectangle } from './shapes';

/** Frames: `start`, `start + step`, … below `stop`. */
export interface Range {
  start: number;
  stop: number;
  step: number;
}

export interface Curve {
  /** The frames that are known, and their statistics. */
  frames: number[];
  components: Columns[];
  errors: Map<number, string>;
  /** How many frames there will be. */
  nFrames: number;
  error?: string;
}

interface Asked {
  file: string;
  path: string;
  rectangle: Rectangle | undefined;
  marks: MarkParameters;
}

export function countOf({ start, stop, step }: Range): number {
  return Math.max(0, Math.ceil((stop - start) / step));
}

/** Statistics of a region in some frames, which come a few at a time; what is asked for no more is not computed. */
export function useRegion({ file, path, rectangle, marks }: Asked, range: Range | undefined): Curve | undefined {
  const [curve, setCurve] = useState<Curve>();
  // Objects are new each time.
  const wanted = JSON.stringify(rectangle && range && { rectangle, marks, range });
  useEffect(() => {
    if (!wanted) {
      setCurve(undefined);
      return undefined;
    }
    const controller = new AbortController();
    const asked = JSON.parse(wanted) as { rectangle: Rectangle; marks: MarkParameters; range: Range };
    const [left, top, width, height] = asked.rectangle;
    const nFrames = countOf(asked.range);
    let known: Curve = { frames: [], components: [], errors: new Map(), nFrames };
    const run = async () => {
      let start: number | null = asked.range.start;
      while (start !== null) {
        const parameters: Parameters = { file, path, left, top, width, height, ...asked.marks, ...asked.range, start };
        const answer: Region = await getJson<Region>('region', parameters, controller.signal);
        known = joined(known, answer, start, asked.range.step);
        setCurve(known);
        start = answer.next;
      }
    };
    setCurve(known);
    run().catch((error: unknown) => {
      if (!controller.signal.aborted) {
        setCurve({ ...known, error: messageOf(error) });
      }
    });
    return () => controller.abort();
  }, [file, path, wanted]);
  return curve;
}

function joined(known: Curve, answer: Region, start: number, step: number): Curve {
  const nNew = answer.components[0]?.n.length ?? 0;
  const columns = (before: Columns | undefined, more: Columns): Columns => ({
    n: [...(before?.n ?? []), ...more.n],
    sum: [...(before?.sum ?? []), ...more.sum],
    min: [...(before?.min ?? []), ...more.min],
    max: [...(before?.max ?? []), ...more.max],
    mean: [...(before?.mean ?? []), ...more.mean],
    std: [...(before?.std ?? []), ...more.std],
  });
  return {
    ...known,
    frames: [...known.frames, ...Array.from({ length: nNew }, (_, i) => start + i * step)],
    components: answer.components.map((more, i) => columns(known.components[i], more)),
    errors: new Map([...known.errors, ...answer.errors]),
  };
}
