import { useEffect, useMemo, useState } from 'react';

import { getBytes, messageOf, type Stack } from '../api';
import { FLAG, TEXT, useKept } from '../kept';
import { type Bad, largestOf, type MarkParameters, maskOf, nearest } from './bad';
import { samplesOf } from './samples';

/** Which pixels are bad, as it is chosen. */
export interface Marks {
  mask: string;
  setMask: (path: string) => void;
  value: string;
  setValue: (value: string) => void;
  isMax: boolean;
  setMax: (isMax: boolean) => void;
  color: string;
  setColor: (color: string) => void;
  bad: Bad;
  parameters: MarkParameters;
  error: string | undefined;
}

/** In none of the colour maps. */
const COLOR = '#ff00ff';

/** At the start: what a mask beside the frames says, and of 32 bits the largest value, which no picture has. */
export function useMarks(place: { file: string; path: string }, stack: Stack): Marks {
  const { file } = place;
  const isGray = stack.n_components === 1;
  const first = stack.masks.find((mask) => !mask.is_not_called_so);
  const [mask, setMask] = useKept(place, 'mask', TEXT, (isGray && first?.path) || '');
  const [value, setValue] = useKept(place, 'bad', TEXT, '');
  const [isMax, setMax] = useKept(place, 'badmax', FLAG, isGray && stack.dtype.endsWith('u4'));
  const [color, setColor] = useKept(place, 'badcolour', TEXT, COLOR);
  const [read, setRead] = useState<{ places?: Uint8Array; error?: string }>({});
  const dtype = stack.masks.find((one) => one.path === mask)?.dtype;

  useEffect(() => {
    setRead({});
    if (!mask) {
      return undefined;
    }
    if (!dtype) {
      setRead({ error: `${mask} is no mask of these frames` });
      return undefined;
    }
    const controller = new AbortController();
    getBytes('data', { file, path: mask, format: 'bin', dtype: 'safe' }, controller.signal).then(
      (bytes) => setRead({ places: maskOf(samplesOf(dtype, bytes)) }),
      (error: unknown) => !controller.signal.aborted && setRead({ error: messageOf(error) }),
    );
    return () => controller.abort();
  }, [file, mask, dtype]);

  const typed = value.trim() === '' ? undefined : Number(value);
  const number = typed !== undefined && Number.isFinite(typed) ? typed : undefined;
  const largest = isMax ? largestOf(stack.dtype) : undefined;
  const bad = useMemo<Bad>(() => {
    const values = [number === undefined ? undefined : nearest(number, stack.dtype), largest];
    return { values: values.filter((one) => one !== undefined), mask: read.places };
  }, [number, largest, read.places, stack.dtype]);
  const parameters = useMemo<MarkParameters>(
    () => ({
      ...(mask && dtype && { mask }),
      ...(number !== undefined && { bad_value: number }),
      ...(largest !== undefined && { bad_max: 'true' }),
    }),
    [mask, dtype, number, largest],
  );
  const isColor = /^#[0-9a-f]{6}$/i.test(color);
  return {
    mask, setMask, value, setValue, isMax, setMax, color: isColor ? color : COLOR, setColor, bad, parameters, error: read.error,
  };
}
