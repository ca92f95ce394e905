import { useState } from 'react';

import type { Stack } from '../api';
import { exact } from './format';
import type { Samples } from './samples';
import type { Line, Point, Rectangle } from './shapes';
import type { BesideMovie } from './useBeside';
import type { Looks } from './useLook';
import type { Movie, Playback } from './usePlayback';
import type { View } from './useView';
import Viewport, { type Pixel } from './Viewport';

export type Tool = 'move' | 'region' | 'line';

interface Props {
  movie: Movie;
  samples: Samples | undefined;
  onCanvas: (canvas: HTMLCanvasElement | null) => void;
  view: View;
  looks: Looks;
  beside: BesideMovie;
  playback: Playback;
  isProjection: boolean;
  tool: Tool;
  onTool: (tool: Tool) => void;
  onDraw: (from: Point, to: Point) => void;
  onHelp: () => void;
  region: Rectangle | undefined;
  line: Line | undefined;
}

const TOOLS: [Tool, string, string][] = [
  ['move', 'Move', 'Move the frame (m)'],
  ['region', 'Region', 'Draw a region (r)'],
  ['line', 'Profile', 'Draw a line (p)'],
];

/** What is seen of a dataset, and of the one beside it. */
export default function Stage(props: Props) {
  const { movie, samples, onCanvas, view, looks, beside, playback, isProjection, tool, onTool, onDraw, onHelp } = props;
  const { stack } = movie;
  const { index, frame, isWaiting } = playback;
  const [pixel, setPixel] = useState<Pixel>();
  const second = playback.second && 'samples' in playback.second ? playback.second.samples : undefined;
  const other = beside.movie?.stack;
  const shapes = <Shapes region={props.region} line={props.line} />;
  const isDrawing = tool !== 'move';
  return (
    <div className="stage">
      <div className="tools">
        <div className="segments dark" role="radiogroup" aria-label="Tool">
          {TOOLS.map(([value, label, title]) => (
            <button key={value} type="button" role="radio" title={title} aria-checked={tool === value} onClick={() => onTool(value)}>
              {label}
            </button>
          ))}
        </div>
        <label title="The first row at the bottom (y)">
          <input type="checkbox" checked={view.isUpwards} onChange={(event) => view.setUpwards(event.target.checked)} /> y upwards
        </label>
        <button type="button" className="help-button" title="Keys (?)" aria-label="Keys" onClick={onHelp}>
          ?
        </button>
      </div>
      <div className="pictures">
        <Viewport
          label="Frame"
          stack={stack}
          samples={samples}
          look={looks.look}
          view={view}
          onCanvas={onCanvas}
          isDrawing={isDrawing}
          onDraw={onDraw}
          onHover={setPixel}
        >
          {shapes}
        </Viewport>
        {other && beside.movie && (
          <Viewport
            label="Frame beside"
            stack={other}
            samples={second}
            look={looks.lookOf(second, beside.chosen.isLinked)}
            view={view}
            isDrawing={isDrawing}
            onDraw={onDraw}
            onHover={setPixel}
          >
            {shapes}
          </Viewport>
        )}
      </div>
      {frame && 'error' in frame && !isWaiting && !isProjection && (
        <div className="notice notice-error" role="alert">
          <strong>Frame {index} can’t be read</strong>
          {frame.error}
        </div>
      )}
      <div className="status">
        <span>
          {stack.width} × {stack.height} · {typeName(stack.stored_dtype)}
        </span>
        <output aria-label="Value under the cursor">
          {isWaiting && !isProjection ? `Loading frame ${index}…` : pixel && samples && told(pixel, samples, stack)}
        </output>
        {other && (
          <output aria-label="Value beside">
            {playback.second && 'error' in playback.second
              ? playback.second.error
              : pixel && second && isIn(pixel, other) && valueAt(second, other, pixel)}
            {index >= other.n_frames && `no frame ${index}`}
          </output>
        )}
      </div>
    </div>
  );
}

function Shapes({ region, line }: { region: Rectangle | undefined; line: Line | undefined }) {
  return (
    <>
      {region && <rect x={region[0]} y={region[1]} width={region[2]} height={region[3]} />}
      {line && <line x1={line[0] + 0.5} y1={line[1] + 0.5} x2={line[2] + 0.5} y2={line[3] + 0.5} />}
    </>
  );
}

function told(pixel: Pixel, samples: Samples, stack: Stack): string | undefined {
  return isIn(pixel, stack) ? `x ${pixel.x}  y ${pixel.y}  value ${valueAt(samples, stack, pixel)}` : undefined;
}

function isIn({ x, y }: Pixel, { width, height }: Stack): boolean {
  return x < width && y < height;
}

function valueAt(samples: Samples, { width, n_components: n }: Stack, { x, y }: Pixel): string {
  const first = (y * width + x) * n;
  return Array.from({ length: n }, (_, i) => exact(samples, first + i)).join(', ');
}

/** NumPy's name for its own word. */
function typeName(dtype: string): string {
  const kinds: Record<string, string> = { u: 'uint', i: 'int', f: 'float', b: 'bool' };
  return dtype[1] === 'b' ? 'bool' : `${kinds[dtype[1]] ?? dtype[1]}${Number(dtype.slice(2)) * 8}`;
}
