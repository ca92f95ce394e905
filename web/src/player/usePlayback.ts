import { useCallback, useEffect, useRef, useState } from 'react';

import type { Stack } from '../api';
import { NUMBER, useKept } from '../kept';
import { type Frame, FrameSource } from './FrameSource';

export interface Playback {
  index: number;
  /** The frame, or the one that was shown before if that is still waited for. */
  frame: Frame | undefined;
  /** The same of the dataset beside it. */
  second: Frame | undefined;
  isWaiting: boolean;
  isPlaying: boolean;
  /** Frames a second, as asked for; 0 is as they were recorded. */
  speed: number;
  /** Frames a second, as shown in the last second. */
  measured: number;
  setSpeed: (speed: number) => void;
  toggle: () => void;
  /** Goes to a frame; what lies outside is brought back. */
  seek: (index: number) => void;
  /** The same, and stays there. */
  goTo: (index: number) => void;
  step: (by: number) => void;
}

/** A dataset of frames. */
export interface Movie {
  file: string;
  path: string;
  stack: Stack;
}

/** Without a frame rate in the file. */
const SPEED = 25;
/** Seconds between two frames that are shown as they were recorded, at most. */
const MAX_PAUSE = 5;

/**
 * Shows one frame after the other, of one dataset or of two at once. A frame that is not there yet is waited for:
 * none is left out. `timeOf` is when a frame was recorded, in seconds.
 */
export function usePlayback(
  movie: Movie,
  beside: Movie | undefined,
  isShown: boolean,
  timeOf: (index: number) => number | undefined,
): Playback {
  const { n_frames: n, fps } = movie.stack;
  const [kept, setIndex] = useKept(movie, 'frame', NUMBER, 0);
  const index = Math.max(0, Math.min(n - 1, Math.round(kept)));
  const [speed, setSpeed] = useKept(movie, 'speed', NUMBER, fps ?? SPEED);
  const [isPlaying, setPlaying] = useState(false);
  const [measured, setMeasured] = useState(0);
  const current = useRef(index);
  const first = useFrames(movie, current);
  const second = useFrames(beside, current);
  const times = useRef(timeOf);
  useEffect(() => {
    times.current = timeOf;
  });

  const { show: showFirst, want: wantFirst } = first;
  const { show: showSecond, want: wantSecond } = second;
  const show = useCallback(
    (next: number) => {
      current.current = next;
      setIndex(next);
      showFirst(next);
      showSecond(next);
    },
    [setIndex, showFirst, showSecond],
  );
  const want = useCallback(
    (next: number, direction: number) => {
      const isFirstThere = wantFirst(next, direction);
      return wantSecond(next, direction) && isFirstThere;
    },
    [wantFirst, wantSecond],
  );

  const seek = useCallback(
    (to: number) => {
      const next = Math.max(0, Math.min(n - 1, Math.round(to)));
      const direction = next < current.current ? -1 : 1;
      show(next);
      want(next, direction);
    },
    [n, show, want],
  );
  const goTo = useCallback(
    (to: number) => {
      setPlaying(false);
      seek(to);
    },
    [seek],
  );

  useEffect(() => {
    if (!isPlaying || !isShown) {
      return undefined;
    }
    let request = 0;
    let due = performance.now();
    let shown: number[] = [];
    const tick = (now: number) => {
      request = requestAnimationFrame(tick);
      if (now < due) {
        return;
      }
      const before = current.current;
      const next = (before + 1) % n;
      if (!want(next, 1)) {
        return;
      }
      show(next);
      // After a wait, the pace is kept from there on.
      const pause = speed > 0 ? 1000 / speed : pauseAfter(next, n, times.current);
      due = Math.max(due + pause, now - pause);
      shown = [...shown.filter((time) => time > now - 1000), now];
      setMeasured(shown.length > 1 ? ((shown.length - 1) * 1000) / (now - shown[0]) : 0);
    };
    request = requestAnimationFrame(tick);
    return () => cancelAnimationFrame(request);
  }, [isPlaying, isShown, speed, n, show, want]);

  return {
    index,
    frame: first.frame,
    second: second.frame,
    isWaiting: first.isWaiting,
    isPlaying,
    speed,
    measured,
    setSpeed,
    toggle: useCallback(() => setPlaying((was) => !was && n > 1), [n]),
    seek,
    goTo,
    step: useCallback((by: number) => goTo((((current.current + by) % n) + n) % n), [n, goTo]),
  };
}

/** Milliseconds from a frame to the one after it. */
function pauseAfter(index: number, n: number, timeOf: (index: number) => number | undefined): number {
  const [here, next] = [timeOf(index), timeOf((index + 1) % n)];
  const seconds = here === undefined || next === undefined ? 1 / SPEED : next - here;
  return 1000 * Math.max(0, Math.min(MAX_PAUSE, seconds));
}

/** The frames of a dataset, of which the current one is shown when it is there. */
function useFrames(movie: Movie | undefined, current: { current: number }) {
  const [frame, setFrame] = useState<Frame>();
  const [isWaiting, setWaiting] = useState(true);
  const source = useRef<FrameSource>();
  const n = movie?.stack.n_frames ?? 0;
  const { file, path, stack } = movie ?? {};

  useEffect(() => {
    setFrame(undefined);
    if (file === undefined || path === undefined || !stack) {
      return undefined;
    }
    const created = new FrameSource(file, path, stack, (arrived) => {
      if (arrived === current.current) {
        setFrame(created.get(arrived));
        setWaiting(false);
      }
    });
    source.current = created;
    created.want(current.current, 1);
    return () => {
      created.close();
      source.current = undefined;
    };
  }, [file, path, stack, current]);

  const show = useCallback(
    (next: number) => {
      const known = source.current?.get(next);
      setWaiting(!known);
      // There may be fewer than of the other dataset.
      if (known || next >= n) {
        setFrame(known);
      }
    },
    [n],
  );
  /** Whether the frame is there, or is not to come. */
  const want = useCallback(
    (next: number, direction: number) => {
      if (!source.current || next >= n) {
        return true;
      }
      source.current.want(next, direction);
      return source.current.get(next) !== undefined;
    },
    [n],
  );
  return { frame, isWaiting, show, want };
}
