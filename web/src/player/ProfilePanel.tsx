import { useMemo } from 'react';

import type { Stack } from '../api';
import Curve from './Curve';
import { nameOf, saveTable } from './download';
import type { Samples } from './samples';
import { type Line, profileOf } from './shapes';

interface Props {
  path: string;
  stack: Stack;
  samples: Samples;
  line: Line;
  onLine: (line: Line | undefined) => void;
}

const ENDS = ['from column', 'from row', 'to column', 'to row'];

/** Values along a line. */
export default function ProfilePanel({ path, stack, samples, line, onLine }: Props) {
  const profile = useMemo(() => profileOf(samples, stack, line), [samples, stack, line]);
  return (
    <section aria-label="Profile">
      <h2>Profile</h2>
      <div className="sides">
        {ENDS.map((end, i) => (
          <label key={end}>
            {['x', 'y', 'to x', 'y'][i]}
            <input
              type="number"
              aria-label={`Line ${end}`}
              min={0}
              max={(i % 2 === 0 ? stack.width : stack.height) - 1}
              value={line[i]}
              onChange={(event) => {
                const next = line.map((n, j) => (j === i ? Number(event.target.value) : n)) as Line;
                if (isOn(next, stack)) {
                  onLine(next);
                }
              }}
            />
          </label>
        ))}
      </div>
      <Curve title="Values along the line" xs={profile.distances} lines={profile.values} />
      <div className="row">
        <button type="button" onClick={() => onLine(undefined)}>
          Remove line
        </button>
        <button
          type="button"
          onClick={() =>
            saveTable(nameOf(path, 'profile.csv'), [
              ['distance', profile.distances],
              ...profile.values.map((values, i): [string, number[]] => [profile.values.length > 1 ? `value_${i}` : 'value', values]),
            ])
          }
        >
          Save CSV
        </button>
      </div>
    </section>
  );
}

/** Whether both ends are pixels of the frame. */
export function isOn(line: Line, { width, height }: Stack): boolean {
  return line.every((n, i) => Number.isInteger(n) && n >= 0 && n < (i % 2 === 0 ? width : height));
}
