import type { Stack } from '../api';
import { type Samples } from './samples';

/** In pixels of the frame: the first column and row, and how many. */
export type Rectangle = [left: number, top: number, width: number, height: number];

/** From the middle of one pixel to that of another: column and row of each. */
export type Line = [x0: number, y0: number, x1: number, y1: number];

/** The rectangle between two points, of whole pixels; `undefined` if it lies outside. */
export function rectangleOf([x0, y0]: Point, [x1, y1]: Point, { width, height }: Stack): Rectangle | undefined {
  const left = Math.max(0, Math.floor(Math.min(x0, x1)));
  const top = Math.max(0, Math.floor(Math.min(y0, y1)));
  const right = Math.min(width, Math.floor(Math.max(x0, x1)) + 1);
  const bottom = Math.min(height, Math.floor(Math.max(y0, y1)) + 1);
  return right > left && bottom > top ? [left, top, right - left, bottom - top] : undefined;
}

/** The line between the pixels that two points are in. */
export function lineOf(from: Point, to: Point, { width, height }: Stack): Line {
  const inside = ([x, y]: Point) => [
    Math.max(0, Math.min(width - 1, Math.floor(x))),
    Math.max(0, Math.min(height - 1, Math.floor(y))),
  ];
  return [...inside(from), ...inside(to)] as unknown as Line;
}

/** A place in the frame; pixels are from one whole number to the next. */
export type Point = [x: number, y: number];

export function isInside([left, top, width, height]: Rectangle, stack: Stack): boolean {
  const isWhole = [left, top, width, height].every(Number.isInteger);
  return isWhole && left >= 0 && top >= 0 && width > 0 && height > 0 && left + width <= stack.width && top + height <= stack.height;
}

export interface Profile {
  /** Pixels from the start of the line. */
  distances: number[];
  /** Of each component. */
  values: number[][];
}

/**
 * Values along a line, one pixel after the other, between four pixels in proportion to how near they are. As
 * scikit-image's `profile_line` of the order 1 has them.
 */
export function profileOf(samples: Samples, { width, height, n_components: n }: Stack, [x0, y0, x1, y1]: Line): Profile {
  const length = Math.hypot(x1 - x0, y1 - y0);
  const nPoints = Math.ceil(length + 1);
  const last = Math.max(1, nPoints - 1);
  const steps = Array.from({ length: nPoints }, (_, i) => i);
  const at = (x: number, y: number, component: number) => Number(samples[(y * width + x) * n + component]);
  const between = (step: number, component: number) => {
    // Multiplied first: whole numbers stay whole.
    const [x, y] = [x0 + ((x1 - x0) * step) / last, y0 + ((y1 - y0) * step) / last];
    const [left, top] = [Math.min(Math.floor(x), width - 1), Math.min(Math.floor(y), height - 1)];
    const [dx, dy] = [x - left, y - top];
    // What has no weight does not count, even if it is not a number.
    const corners: [number, number, number][] = [
      [left, top, (1 - dx) * (1 - dy)],
      [left + 1, top, dx * (1 - dy)],
      [left, top + 1, (1 - dx) * dy],
      [left + 1, top + 1, dx * dy],
    ];
    return corners.filter(([, , weight]) => weight > 0).reduce((sum, [cx, cy, weight]) => sum + weight * at(cx, cy, component), 0);
  };
  return {
    distances: steps.map((step) => (step * length) / last),
    values: Array.from({ length: n }, (_, component) => steps.map((step) => between(step, component))),
  };
}
