import { useMemo, useState } from 'react';

export interface Point {
  /** Where it starts and ends on the axis. */
  from: number;
  to: number;
  value: number;
  isDamaged?: boolean;
}

interface Props {
  title: string;
  axis: string;
  points: Point[];
  format: (value: number) => string;
}

const WIDTH = 1000;
const HEIGHT = 180;
/** More steps than pixels are put together. */
const MAX_STEPS = 1000;

/** Values as steps, over chunks or frames. Where there are more than pixels, the largest of each. */
export default function Plot({ title, axis, points, format }: Props) {
  const [hovered, setHovered] = useState<Point>();
  const start = points[0]?.from ?? 0;
  const end = points[points.length - 1]?.to ?? 1;
  const steps = useMemo(() => thinned(points), [points]);
  const largest = Math.max(...steps.map((point) => point.value), 0);
  const top = largest * 1.08 || 1;
  const x = (position: number) => ((position - start) / (end - start || 1)) * WIDTH;
  const y = (value: number) => HEIGHT - (value / top) * HEIGHT;
  const line = steps.map((p) => `V${y(p.value).toFixed(1)}H${x(p.to).toFixed(1)}`).join('');

  return (
    <figure className="plot">
      <figcaption>
        <strong>{title}</strong>
        <output>
          {hovered ? `${axis} ${placeOf(hovered)}: ${format(hovered.value)}` : `at most ${format(largest)}`}
        </output>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={title}
        onPointerMove={(event) => {
          const { left, width } = event.currentTarget.getBoundingClientRect();
          const position = start + ((event.clientX - left) / width) * (end - start);
          setHovered(points.find((point) => position >= point.from && position < point.to));
        }}
        onPointerLeave={() => setHovered(undefined)}
      >
        <path d={`M0 ${HEIGHT}${line}V${HEIGHT}Z`} />
        {steps
          .filter((point) => point.isDamaged)
          .map((point) => (
            <rect
              key={point.from}
              className="damaged"
              x={x(point.from)}
              width={Math.max(3, x(point.to) - x(point.from))}
              height={HEIGHT}
            />
          ))}
      </svg>
      <div className="plot-axis">
        <span>{start}</span>
        <span>{axis}</span>
        <span>{Math.max(start, end - 1)}</span>
      </div>
    </figure>
  );
}

function placeOf({ from, to }: Point): string {
  return to - from > 1 ? `${from}–${to - 1}` : String(from);
}

function thinned(points: Point[]): Point[] {
  if (points.length <= MAX_STEPS) {
    return points;
  }
  const size = Math.ceil(points.length / MAX_STEPS);
  return Array.from({ length: Math.ceil(points.length / size) }, (_, i) => {
    const part = points.slice(i * size, (i + 1) * size);
    return {
      from: part[0].from,
      to: part[part.length - 1].to,
      value: Math.max(...part.map((point) => point.value)),
      isDamaged: part.some((point) => point.isDamaged),
    };
  });
}
