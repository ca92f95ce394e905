import { useMemo } from 'react';

import type { Stack } from '../api';
import { type Codec, FLAG, numbers, oneOf, NUMBER, useKept } from '../kept';
import { INTERPOLATORS } from '@h5web/lib';
import { type Contrast, domainOf, domainOfFrame, type Histogram, histogramOf, logStart, NO_VALUES } from './contrast';
import { type ColorMap, colorsOf, type Look } from './paint';
import type { Samples } from './samples';
import type { Marks } from './useMarks';

export interface Looks {
  contrast: Contrast;
  setContrast: (contrast: Contrast) => void;
  toggleLog: () => void;
  colorMap: ColorMap;
  setColorMap: (colorMap: ColorMap) => void;
  isInverted: boolean;
  setInverted: (isInverted: boolean) => void;
  histogram: Histogram;
  domain: [number, number];
  look: Look;
  /** Of another frame: with the same domain, or its own. */
  lookOf: (samples: Samples | undefined, isLinked: boolean) => Look;
}

const DOMAIN = numbers<[number, number]>(2);
const COLOR_MAP = oneOf(...(Object.keys(INTERPOLATORS) as ColorMap[]));
const MODE: Codec<Contrast['mode']> = oneOf('percentile', 'minmax', 'fixed');

/** How values look. `isHeld` is off for what has other values than frames have. */
export function useLook(
  place: { file: string; path: string },
  stack: Stack,
  samples: Samples | undefined,
  marks: Marks,
  canHold: boolean,
): Looks {
  const isColour = stack.n_components > 1;
  // Colours are shown as they are, unless somebody wants something else of 16 bits.
  const full: [number, number] = [0, stack.dtype.endsWith('2') ? 65535 : 255];
  const [mode, setMode] = useKept(place, 'contrast', MODE, isColour ? 'fixed' : 'percentile');
  const [percent, setPercent] = useKept(place, 'percent', NUMBER, 0.5);
  const [isLog, setLog] = useKept(place, 'log', FLAG, false);
  const [isHeld, setHeld] = useKept(place, 'hold', FLAG, false);
  const [kept, setDomain] = useKept(place, 'domain', DOMAIN, isColour ? full : undefined);
  const [colorMap, setColorMap] = useKept(place, 'colours', COLOR_MAP, 'Viridis');
  const [isInverted, setInverted] = useKept(place, 'inverted', FLAG, false);

  const histogram = useMemo(() => (samples ? histogramOf(samples, marks.bad) : NO_VALUES), [samples, marks.bad]);
  const contrast: Contrast = { mode, percent, isLog, isHeld: isHeld && canHold, domain: kept ?? [0, 1] };
  const setContrast = (next: Contrast) => {
    const isNew = next.mode !== mode || next.percent !== percent || next.isHeld !== isHeld;
    const domain = next.isHeld && next.mode !== 'fixed' && isNew ? domainOfFrame(next, histogram) : next.domain;
    setMode(next.mode);
    setPercent(next.percent);
    setLog(next.isLog);
    setHeld(next.isHeld);
    setDomain(next.mode === 'fixed' || next.isHeld ? domain : undefined);
  };

  const domain = domainOf(contrast, histogram);
  const { bad, color } = marks;
  const make = (low: number, high: number, of: Histogram): Look => {
    const from = isLog && !isColour ? logStart(low, high, of) : undefined;
    return { colors: colorsOf(colorMap, isInverted), domain: [from ?? low, high], isLog: from !== undefined, bad, badColor: color };
  };
  const made = make(domain[0], domain[1], histogram);
  const [from, to] = made.domain;
  const look = useMemo<Look>(
    () => ({ colors: made.colors, domain: [from, to], isLog: made.isLog, bad, badColor: color }),
    [made.colors, from, to, made.isLog, bad, color],
  );
  return {
    contrast, setContrast, toggleLog: () => setLog((was) => !was), colorMap, setColorMap, isInverted, setInverted,
    histogram, domain, look,
    lookOf: (other, isLinked) => {
      if (isLinked || !other) {
        return look;
      }
      const theirs = histogramOf(other, bad);
      const [low, high] = domainOfFrame(contrast, theirs);
      return make(low, high, theirs);
    },
  };
}
