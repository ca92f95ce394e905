import { useCallback, useMemo, useState } from 'react';

import type { Stack } from '../api';
import { FLAG, numbers, oneOf, useKept } from '../kept';
import BadPanel from './BadPanel';
import ComparePanel from './ComparePanel';
import ContrastPanel from './ContrastPanel';
import { nameOf, pictureOf as pngOf, save } from './download';
import FramesPanel, { type Shown } from './FramesPanel';
import Help from './Help';
import { keysOf } from './keys';
import { paletteOf } from './paint';
import ProfilePanel, { isOn } from './ProfilePanel';
import RegionPanel from './RegionPanel';
import SavePanel from './SavePanel';
import { isInside, type Line, lineOf, type Point, type Rectangle, rectangleOf } from './shapes';
import Stage, { type Tool } from './Stage';
import Transport from './Transport';
import { useBeside } from './useBeside';
import { useKeys } from './useKeys';
import { useLook } from './useLook';
import { useMarks } from './useMarks';
import { useOver } from './useOver';
import { usePerFrame } from './usePerFrame';
import { usePlayback } from './usePlayback';
import { pictureOf, useProjection } from './useProjection';
import { useRegion } from './useRegion';
import { useView } from './useView';

interface Props {
  file: string;
  path: string;
  stack: Stack;
  isShown: boolean;
}

const SHOWN = oneOf<Shown>('frames', 'mean', 'max', 'std');
const REGION = numbers<Rectangle>(4);
const LINE = numbers<Line>(4);

/** A dataset as a movie. */
export default function Player({ file, path, stack, isShown }: Props) {
  const movie = useMemo(() => ({ file, path, stack }), [file, path, stack]);
  const perFrame = usePerFrame(movie);
  const beside = useBeside(movie);
  const playback = usePlayback(movie, beside.movie, isShown, perFrame.seconds);
  const { index, frame, isWaiting } = playback;
  const marks = useMarks(movie, stack);
  const view = useView(movie);
  const over = useOver(movie, stack, index);
  const [shown, setShown] = useKept(movie, 'show', SHOWN, 'frames');
  const [keptRegion, setRegion] = useKept(movie, 'region', REGION, undefined);
  const [keptLine, setLine] = useKept(movie, 'line', LINE, undefined);
  const [isCurve, setCurve] = useKept(movie, 'curve', FLAG, false);
  const [tool, setTool] = useState<Tool>('move');
  const [isHelp, setHelp] = useState(false);
  const [canvas, setCanvas] = useState<HTMLCanvasElement | null>(null);

  const isProjection = shown !== 'frames';
  const projection = useProjection(file, path, stack, marks.parameters, isProjection && isShown ? over.range : undefined);
  // The planes stay the same while they fill; what holds them does not.
  const projected = useMemo(
    () => (shown !== 'frames' && projection ? pictureOf(projection.planes, shown) : undefined),
    [shown, projection],
  );
  const ofFrame = frame && 'samples' in frame ? frame.samples : undefined;
  const samples = isProjection ? projected : ofFrame;
  const looks = useLook(movie, stack, samples, marks, !isProjection);

  const region = keptRegion && isInside(keptRegion, stack) ? keptRegion : undefined;
  const line = keptLine && isOn(keptLine, stack) ? keptLine : undefined;
  const asked = { file, path, rectangle: region, marks: marks.parameters };
  const curve = useRegion(asked, isCurve && isShown ? over.range : undefined);
  const isAsked = isShown && !curve?.frames.includes(index);
  const here = useRegion(asked, isAsked ? { start: index, stop: index + 1, step: 1 } : undefined);

  const draw = useCallback(
    (from: Point, to: Point) => {
      if (tool === 'region') {
        setRegion(rectangleOf(from, to, stack));
      } else {
        setLine(lineOf(from, to, stack));
      }
    },
    [tool, stack, setRegion, setLine],
  );
  const savePicture = () => {
    if (canvas) {
      const what = isProjection ? shown : `frame${String(index).padStart(5, '0')}`;
      void pngOf(canvas, view.isUpwards).then((blob) => save(blob, nameOf(path, `${what}.png`)));
    }
  };
  const { contrast } = looks;
  const keys = keysOf(playback, stack.n_frames, stack.fps, {
    toggleLog: looks.toggleLog,
    toggleHold: () => looks.setContrast({ ...contrast, isHeld: !contrast.isHeld, domain: looks.domain }),
    toggleUpwards: () => view.setUpwards(!view.isUpwards),
    drawRegion: () => setTool((was) => (was === 'region' ? 'move' : 'region')),
    drawLine: () => setTool((was) => (was === 'line' ? 'move' : 'line')),
    move: () => setTool('move'),
    showHelp: () => setHelp(true),
    savePicture,
  });
  useKeys(isShown && !isHelp, Object.fromEntries(keys.flatMap((key) => key.keys.map((name) => [name, key.run]))));

  const isColour = stack.n_components > 1;
  const { start, stop, step } = over.range;
  const movieParameters = {
    file, path, start, stop, step, ...marks.parameters, low: looks.look.domain[0], high: looks.look.domain[1],
    log: String(looks.look.isLog), fps: playback.speed || (stack.fps ?? 25), upwards: String(view.isUpwards),
    ...(!isColour && { colors: paletteOf(looks.look) }),
  };

  return (
    <div className="player">
      <Stage
        movie={movie}
        samples={samples}
        onCanvas={setCanvas}
        view={view}
        looks={looks}
        beside={beside}
        playback={playback}
        isProjection={isProjection}
        tool={tool}
        onTool={setTool}
        onDraw={draw}
        onHelp={() => setHelp(true)}
        region={region}
        line={line}
      />
      <aside className="side">
        <FramesPanel stack={stack} shown={shown} onShow={setShown} over={over} projection={projection} />
        {region && (
          <RegionPanel
            path={path}
            stack={stack}
            index={index}
            region={region}
            onRegion={setRegion}
            here={here}
            curve={curve}
            isCurve={isCurve}
            onCurve={setCurve}
            onSeek={playback.goTo}
          />
        )}
        {line && samples && !(isWaiting && !isProjection) && (
          <ProfilePanel path={path} stack={stack} samples={samples} line={line} onLine={setLine} />
        )}
        {(!isColour || stack.dtype.endsWith('2')) && <ContrastPanel looks={looks} isColour={isColour} canHold={!isProjection} />}
        {!isColour && <BadPanel stack={stack} marks={marks} />}
        <SavePanel
          path={path}
          isColour={isColour}
          nFrames={Math.ceil((stop - start) / step)}
          parameters={movieParameters}
          onPicture={savePicture}
        />
        <ComparePanel file={file} beside={beside.chosen} onBeside={beside.choose} error={beside.error} />
      </aside>
      <Transport stack={stack} playback={playback} perFrame={perFrame} />
      {isHelp && <Help keys={keys} onClose={() => setHelp(false)} />}
    </div>
  );
}
