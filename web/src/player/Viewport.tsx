import { type PointerEvent, type ReactNode, useCallback, useEffect, useLayoutEffect, useRef } from 'react';

import type { Stack } from '../api';
import { type Look, paintColour, paintGray } from './paint';
import type { Samples } from './samples';
import type { Point } from './shapes';
import { type Placement, screenPoint, type View } from './useView';

interface Props {
  label: string;
  stack: Stack;
  samples: Samples | undefined;
  look: Look;
  view: View;
  /** Is told what is drawn on. */
  onCanvas?: (canvas: HTMLCanvasElement | null) => void;
  /** Whether something is drawn with the pointer, instead of moving the frame. */
  isDrawing: boolean;
  onDraw: (from: Point, to: Point) => void;
  onHover: (pixel: Pixel | undefined) => void;
  /** What lies over the frame, in its pixels. */
  children?: ReactNode;
}

export interface Pixel {
  x: number;
  y: number;
}

/** A frame, drawn pixel by pixel; it is zoomed and moved without drawing it again. */
export default function Viewport(props: Props) {
  const { label, stack, samples, look, view, onCanvas, isDrawing, onDraw, onHover, children } = props;
  const { width, height, n_components: nComponents } = stack;
  const { placement, isUpwards, fit, isFitted, setPlacement, zoomAt } = view;
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const grip = useRef<{ x: number; y: number; from: Placement; point: Point }>();

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
      paintColour(samples, nComponents, look.domain, pixels);
    }
    context.putImageData(picture, 0, 0);
  }, [samples, look, width, height, nComponents]);

  useEffect(() => onCanvas?.(canvas.current), [onCanvas]);

  const fitHere = useCallback(() => {
    const area = box.current;
    if (area) {
      fit(area.clientWidth, area.clientHeight, width, height);
    }
  }, [fit, width, height]);

  useLayoutEffect(() => {
    const observer = new ResizeObserver(() => isFitted && fitHere());
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, [fitHere, isFitted]);

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

  const pointAt = (event: PointerEvent): Point => {
    const { left, top } = box.current!.getBoundingClientRect();
    return screenPoint(placement, isUpwards ? height : undefined, event.clientX - left, event.clientY - top);
  };
  const onMove = (event: PointerEvent) => {
    const point = pointAt(event);
    if (grip.current && isDrawing) {
      onDraw(grip.current.point, point);
    } else if (grip.current) {
      const { x, y, from } = grip.current;
      setPlacement({ ...from, x: from.x + event.clientX - x, y: from.y + event.clientY - y });
    }
    const [x, y] = point.map(Math.floor);
    onHover(x >= 0 && y >= 0 && x < width && y < height ? { x, y } : undefined);
  };
  const centre = () => [box.current!.clientWidth / 2, box.current!.clientHeight / 2] as const;
  const { zoom, x, y } = placement;
  const transform = isUpwards
    ? `translate(${x}px, ${y + height * zoom}px) scale(${zoom}, ${-zoom})`
    : `translate(${x}px, ${y}px) scale(${zoom})`;

  return (
    <div
      className={isDrawing ? 'viewport drawing' : 'viewport'}
      ref={box}
      onDoubleClick={fitHere}
      onPointerDown={(event) => {
        grip.current = { x: event.clientX, y: event.clientY, from: placement, point: pointAt(event) };
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
        aria-label={label}
        style={{ transform, imageRendering: zoom > 1 ? 'pixelated' : 'auto' }}
      />
      <svg className="overlay" viewBox={`0 0 ${width} ${height}`} style={{ width, height, transform }}>
        {children}
      </svg>
      <div className="zoom" onPointerDown={(event) => event.stopPropagation()}>
        <button type="button" title="Zoom out" onClick={() => zoomAt(1 / 1.5, ...centre())}>
          −
        </button>
        <button type="button" title="Fit (double-click)" onClick={fitHere}>
          {Math.round(zoom * 100)} %
        </button>
        <button type="button" title="Zoom in" onClick={() => zoomAt(1.5, ...centre())}>
          +
        </button>
      </div>
    </div>
  );
}
