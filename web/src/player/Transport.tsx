import type { Stack } from '../api';
import { axisName, indicesOf, strideOf } from './over';
import { speedsWith } from './speeds';
import type { PerFrame } from './usePerFrame';
import type { Playback } from './usePlayback';

interface Props {
  stack: Stack;
  playback: Playback;
  perFrame: PerFrame;
}

/** Where the player is in time. */
export default function Transport({ stack, playback, perFrame }: Props) {
  const { index, isPlaying, speed, measured } = playback;
  const isSingle = stack.n_frames < 2;
  const speeds = speedsWith(stack.fps);
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
      <div className="sliders">
        {stack.leading.length > 1 ? (
          <AxisSliders stack={stack} playback={playback} />
        ) : (
          <input
            type="range"
            aria-label="Frame number"
            min={0}
            max={stack.n_frames - 1}
            value={index}
            disabled={isSingle}
            onChange={(event) => playback.seek(Number(event.target.value))}
          />
        )}
      </div>
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
        {stack.leading.length > 1 && <span className="indices">[{indicesOf(index, stack.leading).join(', ')}]</span>}
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
          {perFrame.isTime && <option value={0}>as recorded</option>}
          {speeds.map((n) => (
            <option key={n} value={n}>
              {Number(n.toPrecision(5))} / s{n === stack.fps ? ' (file)' : ''}
            </option>
          ))}
          {speed > 0 && !speeds.includes(speed) && <option value={speed}>{speed} / s</option>}
        </select>
        <output aria-label="Frames a second">{isPlaying ? `${measured.toFixed(1)} / s` : ''}</output>
      </label>
    </footer>
  );
}

/** One for each dimension before those of a frame. */
function AxisSliders({ stack, playback }: { stack: Stack; playback: Playback }) {
  const { leading } = stack;
  const indices = indicesOf(playback.index, leading);
  return leading.map((n, axis) => (
    <label key={axis} className="axis">
      <span>{axisName(stack, axis)}</span>
      <input
        type="range"
        aria-label={`Index ${axisName(stack, axis)}`}
        min={0}
        max={n - 1}
        value={indices[axis]}
        disabled={n < 2}
        onChange={(event) => playback.seek(playback.index + (Number(event.target.value) - indices[axis]) * strideOf(axis, leading))}
      />
      <output>{indices[axis]}</output>
    </label>
  ));
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
