import { type PointerEvent, useMemo } from 'react';

import { short } from './format';

interface Props {
  title: string;
  /** Where the values are, rising. */
  xs: number[];
  /** One for each line; gaps where there is no number. */
  lines: (number | null)[][];
  /** A place that is marked. */
  mark?: number;
  onPick?: (x: number) => void;
}

const WIDTH = 240;
const HEIGHT = 90;
/** Of red, green and blue, if there are several lines. */
const COLORS = ['#c0392b', '#27872f', '#2463c4', '#777777'];

/** Values as lines. */
export default function Curve({ title, xs, lines, mark, onPick }: Props) {
  const start = xs[0] ?? 0;
  const end = xs[xs.length - 1] ?? 1;
  const [low, high] = useMemo(() => rangeOf(lines), [lines]);
  const x = (value: number) => ((value - start) / (end - start || 1)) * WIDTH;
  const y = (value: number) => HEIGHT - ((value - low) / (high - low || 1)) * (HEIGHT - 4) - 2;
  const paths = useMemo(() => lines.map((line) => pathOf(xs, line, x, y)), [xs, lines, low, high]); // eslint-disable-line react-hooks/exhaustive-deps

  const pick = (event: PointerEvent) => {
    if (onPick && event.buttons === 1) {
      const { left, width } = event.currentTarget.getBoundingClientRect();
      const value = start + ((event.clientX - left) / width) * (end - start);
      onPick(xs.reduce((best, one) => (Math.abs(one - value) < Math.abs(best - value) ? one : best), start));
    }
  };
  return (
    <figure className="curve">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={title}
        onPointerDown={pick}
        onPointerMove={pick}
      >
        {paths.map((path, i) => (
          <path key={i} d={path} stroke={lines.length > 1 ? COLORS[i % COLORS.length] : undefined} />
        ))}
        {mark !== undefined && <line x1={x(mark)} x2={x(mark)} y1={0} y2={HEIGHT} />}
      </svg>
      <figcaption>
        <span>{start}</span>
        <span>{low <= high ? `${short(low)} to ${short(high)}` : 'no values'}</span>
        <span>{short(end)}</span>
      </figcaption>
    </figure>
  );
}

function rangeOf(lines: (number | null)[][]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of lines.flat()) {
    if (value !== null && Number.isFinite(value)) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  return [low, high];
}

function pathOf(xs: number[], line: (number | null)[], x: (value: number) => number, y: (value: number) => number): string {
  let isDown = false;
  return line
    .map((value, i) => {
      const isThere = value !== null && Number.isFinite(value);
      const step = isThere ? `${isDown ? 'L' : 'M'}${x(xs[i]).toFixed(2)} ${y(value).toFixed(2)}` : '';
      // A single value is a point.
      const point = isThere && !isDown ? 'h0.01' : '';
      isDown = isThere;
      return step + point;
    })
    .join('');
}
