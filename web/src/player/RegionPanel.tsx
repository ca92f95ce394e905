import type { Columns, Exact, Stack } from '../api';
import Curve from './Curve';
import { nameOf, saveTable } from './download';
import { short } from './format';
import { isInside, type Rectangle } from './shapes';
import type { Curve as Statistics } from './useRegion';

interface Props {
  path: string;
  stack: Stack;
  index: number;
  region: Rectangle;
  onRegion: (region: Rectangle | undefined) => void;
  /** Of the frame that is shown. */
  here: Statistics | undefined;
  /** Of many. */
  curve: Statistics | undefined;
  isCurve: boolean;
  onCurve: (isCurve: boolean) => void;
  onSeek: (index: number) => void;
}

const SIDES = ['Left', 'Top', 'Width', 'Height'];
const ROWS: [string, keyof Columns][] = [
  ['Mean', 'mean'],
  ['Sum', 'sum'],
  ['Min', 'min'],
  ['Max', 'max'],
  ['Standard deviation', 'std'],
  ['Pixels', 'n'],
];

/** Statistics of a region, in the frame that is shown and over frames. */
export default function RegionPanel(props: Props) {
  const { path, stack, index, region, onRegion, here, curve, isCurve, onCurve, onSeek } = props;
  const source = curve?.frames.includes(index) ? curve : here;
  const at = source?.frames.indexOf(index) ?? -1;
  const error = source?.errors.get(index) ?? here?.error;
  return (
    <section aria-label="Region">
      <h2>Region</h2>
      <div className="sides">
        {SIDES.map((side, i) => (
          <label key={side}>
            {side}
            <input
              type="number"
              aria-label={`Region ${side.toLowerCase()}`}
              value={region[i]}
              onChange={(event) => {
                const next = region.map((n, j) => (j === i ? Number(event.target.value) : n)) as Rectangle;
                if (isInside(next, stack)) {
                  onRegion(next);
                }
              }}
            />
          </label>
        ))}
      </div>
      <dl className="statistics">
        {ROWS.map(([label, name]) => (
          <div key={name}>
            <dt>{label}</dt>
            <dd aria-label={`Region ${label.toLowerCase()}`}>
              {at >= 0 ? source!.components.map((columns) => told(columns[name][at])).join(', ') : '…'}
            </dd>
          </div>
        ))}
      </dl>
      {error && <p className="hint notice-error">{error}</p>}
      <label className="row">
        Mean over frames
        <input type="checkbox" checked={isCurve} onChange={(event) => onCurve(event.target.checked)} />
      </label>
      {curve && <RegionCurve path={path} index={index} curve={curve} onSeek={onSeek} />}
      <div className="row">
        <button type="button" onClick={() => onRegion(undefined)}>
          Remove region
        </button>
        {curve && curve.frames.length === curve.nFrames && (
          <button type="button" onClick={() => saveTable(nameOf(path, 'region.csv'), columnsOf(curve))}>
            Save CSV
          </button>
        )}
      </div>
    </section>
  );
}

function RegionCurve({ path, index, curve, onSeek }: { path: string; index: number; curve: Statistics; onSeek: (n: number) => void }) {
  const isDone = curve.frames.length === curve.nFrames;
  return (
    <>
      <Curve
        title={`Mean of the region in the frames of ${path}`}
        xs={curve.frames}
        lines={curve.components.map((columns) => columns.mean)}
        mark={index}
        onPick={onSeek}
      />
      {!isDone && <progress aria-label="Region progress" value={curve.frames.length} max={curve.nFrames} />}
      {curve.error && <p className="hint notice-error">{curve.error}</p>}
      {curve.errors.size > 0 && (
        <p className="hint notice-error">
          {curve.errors.size} frames can’t be read: {[...curve.errors.values()][0]}
        </p>
      )}
    </>
  );
}

/** Integers in full; others in as many digits as people read. */
function told(value: Exact): string {
  return value === null ? '–' : typeof value === 'string' || Number.isInteger(value) ? String(value) : short(value, 7);
}

function columnsOf({ frames, components }: Statistics): [string, (number | string | null)[]][] {
  const names = ['n', 'mean', 'sum', 'min', 'max', 'std'] as const;
  const suffix = (i: number) => (components.length > 1 ? `_${i}` : '');
  return [
    ['frame', frames],
    ...components.flatMap((columns, i) =>
      names.map((name): [string, (number | string | null)[]] => [`${name}${suffix(i)}`, columns[name]]),
    ),
  ];
}
