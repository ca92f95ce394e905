import { useCallback, useEffect, useRef, useState } from 'react';

import type { Stack } from '../api';
import { type Frame, FrameSource } from './FrameSource';

export interface Playback {
  index: number;
  /** The frame, or the one that was shown before if that is still waited for. */
  frame: Frame | undefined;
  isWaiting: boolean;
  isPlaying: boolean;
  /** Frames a second, as asked for. */
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

/** Shows one frame after the other. A frame that is not there yet is waited for: none is left out. */
export function usePlayback(file: string, path: string, stack: Stack, isShown: boolean): Playback {
  const { n_frames: n } = stack;
  const [index, setIndex] = useState(0);
  const [frame, setFrame] = useState<Frame>();
  const [isWaiting, setWaiting] = useState(true);
  const [isPlaying, setPlaying] = useState(false);
  const [speed, setSpeed] = useState(25);
  const [measured, setMeasured] = useState(0);
  const source = useRef<FrameSource>();
  const current = useRef(0);

  const show = useCallback((next: number) => {
    current.current = next;
    setIndex(next);
    const known = source.current?.get(next);
    setWaiting(!known);
    if (known) {
      setFrame(known);
    }
  }, []);

  useEffect(() => {
    const created = new FrameSource(file, path, stack, (arrived) => {
      if (arrived === current.current) {
        setFrame(created.get(arrived));
        setWaiting(false);
      }
    });
    source.current = created;
    created.want(0, 1);
    return () => created.close();
  }, [file, path, stack]);

  const seek = useCallback(
    (to: number) => {
      const next = Math.max(0, Math.min(n - 1, Math.round(to)));
      const direction = next < current.current ? -1 : 1;
      show(next);
      source.current?.want(next, direction);
    },
    [n, show],
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
      const next = (current.current + 1) % n;
      source.current?.want(next, 1);
      if (!source.current?.get(next)) {
        return;
      }
      show(next);
      // After a wait, the pace is kept from there on.
      due = Math.max(due + 1000 / speed, now - 1000 / speed);
      shown = [...shown.filter((time) => time > now - 1000), now];
      setMeasured(shown.length > 1 ? ((shown.length - 1) * 1000) / (now - shown[0]) : 0);
    };
    request = requestAnimationFrame(tick);
    return () => cancelAnimationFrame(request);
  }, [isPlaying, isShown, speed, n, show]);

  return {
    index,
    frame,
    isWaiting,
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
