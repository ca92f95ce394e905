import type { Stack } from '../api';
import type { PerFrame } from './usePerFrame';
import type { Playback } from './usePlayback';

interface Props {
  stack: Stack;
  playback: Playback;
  perFrame: PerFrame;
}

const SPEEDS = [1, 2, 5, 10, 25, 50, 100];

/** Where the player is in time. */
export default function Transport({ stack, playback, perFrame }: Props) {
  const { index, isPlaying, speed, measured } = playback;
  const isSingle = stack.n_frames < 2;
  return (
    <footer className="transport">
      <div className="buttons">
        <Button title="First frame (Home)" path="M3 2v12M13 2L5 8l8 6z" onClick={() => playback.seek(0)} />
        <Button title="Frame before (←)" path="M11 2L5 8l6 6" onClick={() => playback.step(-1)} />
        <button
          type="button"
          className="play"
          title="Play or pause (space)"
          aria-label={isPlaying ? 'Pause' : 'Play'}
          disabled={isSingle}
          onClick={playback.toggle}
        >
          <Icon path={isPlaying ? 'M5 3v10M11 3v10' : 'M5 2.5L13.5 8 5 13.5z'} />
        </button>
        <Button title="Next frame (→)" path="M5 2l6 6-6 6" onClick={() => playback.step(1)} />
        <Button title="Last frame (End)" path="M13 2v12M3 2l8 6-8 6z" onClick={() => playback.seek(stack.n_frames - 1)} />
      </div>
      <input
        type="range"
        aria-label="Frame number"
        min={0}
        max={stack.n_frames - 1}
        value={index}
        disabled={isSingle}
        onChange={(event) => playback.seek(Number(event.target.value))}
      />
      <label className="frame-number">
        <input
          type="number"
          aria-label="Go to frame"
          min={0}
          max={stack.n_frames - 1}
          value={index}
          onChange={(event) => event.target.value && playback.goTo(Number(event.target.value))}
        />
        <span> of 0–{stack.n_frames - 1}</span>
        {stack.leading.length > 1 && <span className="indices">[{indices(index, stack.leading).join(', ')}]</span>}
      </label>
      {stack.per_frame.length > 0 && (
        <label className="time" title="A value for each frame">
          <select
            aria-label="Values per frame"
            value={perFrame.path}
            onChange={(event) => perFrame.select(event.target.value)}
          >
            <option value="">–</option>
            {stack.per_frame.map(({ path }) => (
              <option key={path} value={path}>
                {path.split('/').pop()}
              </option>
            ))}
          </select>
          <output aria-label="Value of this frame">{perFrame.text(index)}</output>
        </label>
      )}
      <label className="speed" title="Frames a second ([ and ])">
        <select
          aria-label="Speed"
          value={speed}
          onChange={(event) => playback.setSpeed(Number(event.target.value))}
        >
          {SPEEDS.map((n) => (
            <option key={n} value={n}>
              {n} / s
            </option>
          ))}
        </select>
        <output aria-label="Frames a second">{isPlaying ? `${measured.toFixed(1)} / s` : ''}</output>
      </label>
    </footer>
  );
}

function Button({ title, path, onClick }: { title: string; path: string; onClick: () => void }) {
  return (
    <button type="button" title={title} onClick={onClick}>
      <Icon path={path} />
    </button>
  );
}

function Icon({ path }: { path: string }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden>
      <path d={path} />
    </svg>
  );
}

/** The next faster, or slower, of the speeds. */
export function nextSpeed(speed: number, by: 1 | -1): number {
  return SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, SPEEDS.indexOf(speed) + by))];
}

/** The indices of a frame in the dimensions before its own. */
function indices(index: number, leading: number[]): number[] {
  let rest = index;
  return leading
    .map((_, i) => leading[leading.length - 1 - i])
    .map((n) => {
      const at = rest % n;
      rest = Math.floor(rest / n);
      return at;
    })
    .toReversed();
}
