import type { Stack } from '../api';
import { largestOf } from './bad';
import type { Marks } from './useMarks';

/** Which pixels do not count, and how they are shown. */
export default function BadPanel({ stack, marks }: { stack: Stack; marks: Marks }) {
  const largest = largestOf(stack.dtype);
  return (
    <section aria-label="Bad pixels">
      <h2>Bad pixels</h2>
      <label className="row">
        Colour
        <input type="color" value={marks.color} onChange={(event) => marks.setColor(event.target.value)} />
      </label>
      {stack.masks.length > 0 && (
        <label className="row">
          Mask
          <select className="wide" aria-label="Mask" value={marks.mask} onChange={(event) => marks.setMask(event.target.value)}>
            <option value="">–</option>
            {stack.masks.map(({ path }) => (
              <option key={path} value={path}>
                {path.split('/').pop()}
              </option>
            ))}
          </select>
        </label>
      )}
      <label className="row">
        Value
        <input
          className="bound"
          aria-label="Bad value"
          inputMode="decimal"
          value={marks.value}
          onChange={(event) => marks.setValue(event.target.value)}
        />
      </label>
      {largest !== undefined && (
        <label className="row">
          Largest of the type
          <input type="checkbox" checked={marks.isMax} onChange={(event) => marks.setMax(event.target.checked)} />
        </label>
      )}
      {marks.error && <p className="hint notice-error">{marks.error}</p>}
    </section>
  );
}
