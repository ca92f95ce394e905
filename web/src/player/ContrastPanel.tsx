import { ColorMapGradient, INTERPOLATORS } from '@h5web/lib';
import { useEffect, useState } from 'react';

import type { ContrastMode } from './contrast';
import { short } from './format';
import HistogramPlot from './HistogramPlot';
import type { ColorMap } from './paint';
import type { Looks } from './useLook';

interface Props {
  looks: Looks;
  /** Values are colours already: there is no map for them. */
  isColour: boolean;
  canHold: boolean;
}

const MODES: [ContrastMode, string][] = [
  ['percentile', 'Percentile'],
  ['minmax', 'Min–max'],
  ['fixed', 'Fixed'],
];

/** What values look like. */
export default function ContrastPanel({ looks, isColour, canHold }: Props) {
  const { histogram, domain, contrast, setContrast: onContrast, colorMap, setColorMap, isInverted, setInverted } = looks;
  const fix = (next: [number, number]) => onContrast({ ...contrast, mode: 'fixed', domain: next });
  return (
    <section aria-label="Contrast settings">
      <h2>Contrast</h2>
      <HistogramPlot histogram={histogram} domain={domain} onChange={fix} />
      <div className="segments" role="radiogroup" aria-label="Contrast">
        {MODES.map(([mode, label]) => (
          <button
            key={mode}
            type="button"
            role="radio"
            aria-checked={contrast.mode === mode}
            onClick={() => onContrast({ ...contrast, mode, domain })}
          >
            {label}
          </button>
        ))}
      </div>
      {contrast.mode === 'percentile' && (
        <label className="row">
          Cut off at each end
          <span>
            <input
              type="number"
              min={0}
              max={49}
              step={0.1}
              value={contrast.percent}
              onChange={(event) => onContrast({ ...contrast, percent: Math.max(0, Math.min(49, Number(event.target.value))) })}
            />{' '}
            %
          </span>
        </label>
      )}
      <div className="row">
        <Bound label="Lowest value" value={domain[0]} onChange={(low) => fix([low, domain[1]])} />
        <Bound label="Highest value" value={domain[1]} onChange={(high) => fix([domain[0], high])} />
      </div>
      {contrast.mode !== 'fixed' && canHold && (
        <label className="row" title="Other frames as this one, or each for itself (h)">
          Hold over frames
          <input
            type="checkbox"
            checked={contrast.isHeld}
            onChange={(event) => onContrast({ ...contrast, isHeld: event.target.checked, domain })}
          />
        </label>
      )}
      {!isColour && (
        <>
          <label className="row">
            Logarithmic
            <input
              type="checkbox"
              checked={contrast.isLog}
              onChange={(event) => onContrast({ ...contrast, isLog: event.target.checked })}
            />
          </label>
          <h2>Colours</h2>
          <label className="row">
            <select aria-label="Colour map" value={colorMap} onChange={(event) => setColorMap(event.target.value as ColorMap)}>
              {Object.keys(INTERPOLATORS).map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
            <span className={isInverted ? 'gradient inverted' : 'gradient'}>
              <ColorMapGradient colorMap={colorMap} />
            </span>
          </label>
          <label className="row">
            Inverted
            <input type="checkbox" checked={isInverted} onChange={(event) => setInverted(event.target.checked)} />
          </label>
        </>
      )}
    </section>
  );
}

/** A number that takes effect when it has been typed. */
function Bound({ label, value, onChange }: { label: string; value: number; onChange: (value: number) => void }) {
  const [text, setText] = useState(short(value));
  useEffect(() => setText(short(value)), [value]);
  const apply = () => {
    const typed = Number(text);
    if (text !== short(value) && text.trim() !== '' && Number.isFinite(typed)) {
      onChange(typed);
    }
  };
  return (
    <input
      aria-label={label}
      title={label}
      className="bound"
      inputMode="decimal"
      value={text}
      onChange={(event) => setText(event.target.value)}
      onBlur={apply}
      onKeyDown={(event) => event.key === 'Enter' && apply()}
    />
  );
}
