import { type PointerEvent, useRef } from 'react';

import type { Histogram } from './contrast';
import { short } from './format';

interface Props {
  histogram: Histogram;
  domain: [number, number];
  onChange: (domain: [number, number]) => void;
}

const WIDTH = 256;
const HEIGHT = 72;

/** How often values occur, and which of them get colours; the two ends can be moved. */
export default function HistogramPlot({ histogram, domain, onChange }: Props) {
  const svg = useRef<SVGSVGElement>(null);
  const held = useRef<0 | 1>();
  const { counts, from, to, ends } = histogram;
  const hasValues = histogram.sorted.length > 0;
  const range = to - from || 1;

  const top = Math.log1p(Math.max(...counts)) || 1;
  const column = WIDTH / counts.length;
  const line = Array.from(
    counts,
    (n, i) => `V${(HEIGHT - (Math.log1p(n) / top) * HEIGHT).toFixed(1)}H${((i + 1) * column).toFixed(2)}`,
  );
  const at = (value: number) => Math.max(0, Math.min(WIDTH, ((value - from) / range) * WIDTH));

  const move = (event: PointerEvent) => {
    if (held.current === undefined || !svg.current) {
      return;
    }
    const { left, width } = svg.current.getBoundingClientRect();
    const value = from + Math.max(0, Math.min(1, (event.clientX - left) / width)) * range;
    const [low, high] = domain;
    onChange(held.current === 0 ? [Math.min(value, high), high] : [low, Math.max(value, low)]);
  };

  return (
    <figure className="histogram">
      <svg
        ref={svg}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label="Histogram"
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          const { left, width } = event.currentTarget.getBoundingClientRect();
          const x = ((event.clientX - left) / width) * WIDTH;
          held.current = x < (at(domain[0]) + at(domain[1])) / 2 ? 0 : 1;
          move(event);
        }}
        onPointerMove={move}
        onPointerUp={() => {
          held.current = undefined;
        }}
      >
        <rect className="shown" x={at(domain[0])} width={Math.max(1, at(domain[1]) - at(domain[0]))} height={HEIGHT} />
        <path d={`M0 ${HEIGHT}${line.join('')}V${HEIGHT}Z`} />
        {domain.map((value, i) => (
          <line key={i} x1={at(value)} x2={at(value)} y1={0} y2={HEIGHT} />
        ))}
      </svg>
      <figcaption>
        <span>{hasValues && short(ends[0])}</span>
        <span>{hasValues ? 'counts, log' : 'no values'}</span>
        <span>{hasValues && short(ends[1])}</span>
      </figcaption>
    </figure>
  );
}
