import type { Stack } from '../api';
import { axisName, lengthOver } from './over';
import type { Over } from './useOver';
import type { Kind, Projection } from './useProjection';

export type Shown = 'frames' | Kind;

interface Props {
  stack: Stack;
  shown: Shown;
  onShow: (shown: Shown) => void;
  over: Over;
  projection: Projection | undefined;
}

const CHOICES: [Shown, string][] = [
  ['frames', 'Frames'],
  ['mean', 'Mean'],
  ['max', 'Maximum'],
  ['std', 'Standard deviation'],
];

/** Whether frames are shown, or what all of them have in each pixel; and which frames that are. */
export default function FramesPanel({ stack, shown, onShow, over, projection }: Props) {
  const n = lengthOver(stack, over.axis);
  const end = (i: 0 | 1, label: string) => (
    <input
      type="number"
      aria-label={label}
      min={0}
      max={n - 1}
      value={over.ends[i]}
      onChange={(event) => {
        const value = Math.round(Number(event.target.value));
        const next: [number, number] = i === 0 ? [value, over.ends[1]] : [over.ends[0], value];
        if (next[0] >= 0 && next[0] <= next[1] && next[1] < n) {
          over.setEnds(next);
        }
      }}
    />
  );
  return (
    <section aria-label="Frames">
      <h2>Show</h2>
      <label className="row">
        <select className="wide" aria-label="Show" value={shown} onChange={(event) => onShow(event.target.value as Shown)}>
          {CHOICES.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </label>
      {stack.leading.length > 1 && (
        <label className="row">
          Over
          <select aria-label="Over" value={over.axis} onChange={(event) => over.setAxis(Number(event.target.value))}>
            <option value={-1}>all frames</option>
            {stack.leading.map((_, axis) => (
              <option key={axis} value={axis}>
                {axisName(stack, axis)}
              </option>
            ))}
          </select>
        </label>
      )}
      {n > 1 && (
        <div className="row" title="For projections, curves and movies">
          <span>From</span>
          {end(0, 'First frame')}
          <span>to</span>
          {end(1, 'Last frame')}
        </div>
      )}
      {shown !== 'frames' && projection && !projection.error && projection.progress < 1 && (
        <progress aria-label="Projection progress" value={projection.progress} />
      )}
      {shown !== 'frames' && projection?.error && <p className="hint notice-error">{projection.error}</p>}
    </section>
  );
}
