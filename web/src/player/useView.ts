import { useCallback, useState } from 'react';

import { FLAG, numbers, useKept } from '../kept';
import type { Point } from './shapes';

/** Screen pixels for a pixel of the frame, and where its corner is on the screen. */
export interface Placement {
  zoom: number;
  x: number;
  y: number;
}

export interface View {
  placement: Placement;
  /** Whether the first row is the lowest. */
  isUpwards: boolean;
  isFitted: boolean;
  setUpwards: (isUpwards: boolean) => void;
  setPlacement: (placement: Placement) => void;
  fit: (areaWidth: number, areaHeight: number, width: number, height: number) => void;
  zoomAt: (factor: number, x: number, y: number) => void;
}

const MAX_ZOOM = 64;
const PLACEMENT = numbers<[number, number, number]>(3);

/** Where frames are on the screen: the same for all that are shown at once. */
export function useView(place: { file: string; path: string }): View {
  // Kept only if it is not what fits.
  const [kept, setKept] = useKept(place, 'zoom', PLACEMENT, undefined);
  const [fitted, setFitted] = useState<Placement>({ zoom: 1, x: 0, y: 0 });
  const [isUpwards, setUpwards] = useKept(place, 'up', FLAG, false);
  const placement = kept ? { zoom: kept[0], x: kept[1], y: kept[2] } : fitted;

  const setPlacement = useCallback(
    ({ zoom, x, y }: Placement) => setKept([zoom, x, y].map((n) => Number(n.toPrecision(8))) as [number, number, number]),
    [setKept],
  );
  const fit = useCallback(
    (areaWidth: number, areaHeight: number, width: number, height: number) => {
      const zoom = Math.min(areaWidth / width, areaHeight / height) * 0.98;
      setFitted({ zoom, x: (areaWidth - width * zoom) / 2, y: (areaHeight - height * zoom) / 2 });
      setKept(undefined);
    },
    [setKept],
  );
  const zoomAt = useCallback(
    (factor: number, x: number, y: number) =>
      setKept((was) => {
        const [oldZoom, left, top] = was ?? [fitted.zoom, fitted.x, fitted.y];
        const zoom = Math.max(1 / MAX_ZOOM, Math.min(MAX_ZOOM, oldZoom * factor));
        const scale = zoom / oldZoom;
        return [zoom, x - (x - left) * scale, y - (y - top) * scale];
      }),
    [fitted, setKept],
  );
  return { placement, isUpwards, isFitted: kept === undefined, setUpwards, setPlacement, fit, zoomAt };
}

/** What is at a place on the screen, in pixels of a frame, of whose height the first row is the lowest if it is given. */
export function screenPoint({ zoom, x, y }: Placement, height: number | undefined, left: number, top: number): Point {
  const down = (top - y) / zoom;
  return [(left - x) / zoom, height === undefined ? down : height - down];
}
