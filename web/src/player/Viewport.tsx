import { type PointerEvent, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';

import type { Stack } from '../api';
import { type Look, paintColour, paintGray } from './paint';
import type { Samples } from './samples';

interface Props {
  stack: Stack;
  samples: Samples | undefined;
  look: Look;
  onHover: (pixel: Pixel | undefined) => void;
}

export interface Pixel {
  x: number;
  y: number;
}

/** Screen pixels for a pixel of the frame, and where its corner is on the screen. */
interface Placement {
  zoom: number;
  x: number;
  y: number;
}

const MAX_ZOOM = 64;

/** A frame, drawn pixel by pixel; it is zoomed and moved without drawing it again. */
export default function Viewport({ stack, samples, look, onHover }: Props) {
  const { width, height, n_components: nComponents } = stack;
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const grip = useRef<{ x: number; y: number; from: Placement }>();
  const [placement, setPlacement] = useState<Placement>({ zoom: 1, x: 0, y: 0 });
  const [isFitted, setFitted] = useState(true);

  useLayoutEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context || !samples) {
      return;
    }
    const picture = context.createImageData(width, height);
    const pixels = new Uint32Array(picture.data.buffer);
    if (nComponents === 1) {
      paintGray(samples, look, pixels);
    } else {
      paintColour(samples, nComponents, pixels);
    }
    context.putImageData(picture, 0, 0);
  }, [samples, look, width, height, nComponents]);

  const fit = useCallback(() => {
    const area = box.current;
    if (area) {
      const zoom = Math.min(area.clientWidth / width, area.clientHeight / height) * 0.98;
      setPlacement({ zoom, x: (area.clientWidth - width * zoom) / 2, y: (area.clientHeight - height * zoom) / 2 });
      setFitted(true);
    }
  }, [width, height]);

  useLayoutEffect(() => {
    const observer = new ResizeObserver(() => isFitted && fit());
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, [fit, isFitted]);

  const zoomAt = useCallback((factor: number, x: number, y: number) => {
    setFitted(false);
    setPlacement((was) => {
      const zoom = Math.max(1 / MAX_ZOOM, Math.min(MAX_ZOOM, was.zoom * factor));
      const scale = zoom / was.zoom;
      return { zoom, x: x - (x - was.x) * scale, y: y - (y - was.y) * scale };
    });
  }, []);

  // React listens to wheels passively: the page would scroll.
  useEffect(() => {
    const area = box.current!;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const { left, top } = area.getBoundingClientRect();
      zoomAt(Math.exp(-event.deltaY / 400), event.clientX - left, event.clientY - top);
    };
    area.addEventListener('wheel', onWheel, { passive: false });
    return () => area.removeEventListener('wheel', onWheel);
  }, [zoomAt]);

  const onMove = (event: PointerEvent) => {
    if (grip.current) {
      const { x, y, from } = grip.current;
      setFitted(false);
      setPlacement({ ...from, x: from.x + event.clientX - x, y: from.y + event.clientY - y });
    }
    const { left, top } = box.current!.getBoundingClientRect();
    const x = Math.floor((event.clientX - left - placement.x) / placement.zoom);
    const y = Math.floor((event.clientY - top - placement.y) / placement.zoom);
    onHover(x >= 0 && y >= 0 && x < width && y < height ? { x, y } : undefined);
  };
  const centre = () => [box.current!.clientWidth / 2, box.current!.clientHeight / 2] as const;

  return (
    <div
      className="viewport"
      ref={box}
      onDoubleClick={fit}
      onPointerDown={(event) => {
        grip.current = { x: event.clientX, y: event.clientY, from: placement };
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={onMove}
      onPointerUp={() => {
        grip.current = undefined;
      }}
      onPointerLeave={() => onHover(undefined)}
    >
      <canvas
        ref={canvas}
        width={width}
        height={height}
        aria-label="Frame"
        style={{
          transform: `translate(${placement.x}px, ${placement.y}px) scale(${placement.zoom})`,
          imageRendering: placement.zoom > 1 ? 'pixelated' : 'auto',
        }}
      />
      <div className="zoom" onPointerDown={(event) => event.stopPropagation()}>
        <button type="button" title="Zoom out" onClick={() => zoomAt(1 / 1.5, ...centre())}>
          −
        </button>
        <button type="button" title="Fit (double-click)" onClick={fit}>
          {Math.round(placement.zoom * 100)} %
        </button>
        <button type="button" title="Zoom in" onClick={() => zoomAt(1.5, ...centre())}>
          +
        </button>
      </div>
    </div>
  );
}
