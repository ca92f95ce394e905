import { useMemo, useState } from 'react';

import type { Stack } from '../api';
import { type Contrast, domainOf, histogramOf, logStart, NO_VALUES } from './contrast';
import ContrastPanel from './ContrastPanel';
import { exact } from './format';
import { type ColorMap, colorsOf } from './paint';
import type { Samples } from './samples';
import Transport, { nextSpeed } from './Transport';
import { useKeys } from './useKeys';
import { usePerFrame } from './usePerFrame';
import { usePlayback } from './usePlayback';
import Viewport, { type Pixel } from './Viewport';

interface Props {
  file: string;
  path: string;
  stack: Stack;
  isShown: boolean;
}

/** A dataset as a movie. */
export default function Player({ file, path, stack, isShown }: Props) {
  const playback = usePlayback(file, path, stack, isShown);
  const perFrame = usePerFrame(file, stack);
  const [contrast, setContrast] = useState<Contrast>({
    mode: 'percentile',
    percent: 0.5,
    isLog: false,
    domain: [0, 1],
  });
  const [colorMap, setColorMap] = useState<ColorMap>('Viridis');
  const [isInverted, setInverted] = useState(false);
  const [pixel, setPixel] = useState<Pixel>();
  useKeys(isShown, {
    ' ': playback.toggle,
    ArrowRight: () => playback.step(1),
    ArrowLeft: () => playback.step(-1),
    PageDown: () => playback.step(10),
    PageUp: () => playback.step(-10),
    Home: () => playback.seek(0),
    End: () => playback.seek(stack.n_frames - 1),
    ']': () => playback.setSpeed(nextSpeed(playback.speed, 1)),
    '[': () => playback.setSpeed(nextSpeed(playback.speed, -1)),
    l: () => setContrast((was) => ({ ...was, isLog: !was.isLog })),
  });

  const { frame, isWaiting } = playback;
  const samples = frame && 'samples' in frame ? frame.samples : undefined;
  const histogram = useMemo(() => (samples ? histogramOf(samples) : NO_VALUES), [samples]);
  const [low, high] = domainOf(contrast, histogram);
  const from = contrast.isLog ? logStart(low, high, histogram) : undefined;
  const look = useMemo(
    () => ({
      colors: colorsOf(colorMap, isInverted),
      domain: [from ?? low, high] as [number, number],
      isLog: from !== undefined,
    }),
    [colorMap, isInverted, from, low, high],
  );

  return (
    <div className="player">
      <div className="stage">
        <Viewport stack={stack} samples={samples} look={look} onHover={setPixel} />
        {frame && 'error' in frame && !isWaiting && (
          <div className="notice notice-error" role="alert">
            <strong>Frame {playback.index} can’t be read</strong>
            {frame.error}
          </div>
        )}
        <div className="status">
          <span>
            {stack.width} × {stack.height} · {typeName(stack.stored_dtype)}
          </span>
          <output aria-label="Value under the cursor">
            {isWaiting ? `Loading frame ${playback.index}…` : pixel && samples && `x ${pixel.x}  y ${pixel.y}  value ${valueAt(samples, stack, pixel)}`}
          </output>
        </div>
      </div>
      {stack.n_components === 1 && (
        <ContrastPanel
          histogram={histogram}
          domain={[low, high]}
          contrast={contrast}
          onContrast={setContrast}
          colorMap={colorMap}
          onColorMap={setColorMap}
          isInverted={isInverted}
          onInvert={setInverted}
        />
      )}
      <Transport stack={stack} playback={playback} perFrame={perFrame} />
    </div>
  );
}

function valueAt(samples: Samples, { width, n_components: n }: Stack, { x, y }: Pixel): string {
  const first = (y * width + x) * n;
  return Array.from({ length: n }, (_, i) => exact(samples, first + i)).join(', ');
}

/** NumPy's name for its own word. */
function typeName(dtype: string): string {
  const kinds: Record<string, string> = { u: 'uint', i: 'int', f: 'float', b: 'bool' };
  return dtype[1] === 'b' ? 'bool' : `${kinds[dtype[1]] ?? dtype[1]}${Number(dtype.slice(2)) * 8}`;
}
