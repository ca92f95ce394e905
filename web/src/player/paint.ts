import { INTERPOLATORS } from '@h5web/lib';

import { type Bad, badTest } from './bad';
import { type Samples, numbersOf } from './samples';

export type ColorMap = keyof typeof INTERPOLATORS;

/** One less than there are in a GIF file: pixels that do not count have one of their own. */
const N_COLORS = 255;
const OPAQUE = 0xff000000;

const tables = new Map<string, Uint32Array>();

/** Colours as ImageData has them on little-endian machines: alpha, blue, green, red. */
export function colorsOf(colorMap: ColorMap, isInverted: boolean): Uint32Array {
  const key = `${colorMap} ${String(isInverted)}`;
  const known = tables.get(key);
  if (known) {
    return known;
  }
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;
  const colors = Uint32Array.from({ length: N_COLORS }, (_, i) => {
    const part = i / (N_COLORS - 1);
    context.fillStyle = INTERPOLATORS[colorMap](isInverted ? 1 - part : part);
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
    return (OPAQUE | (blue << 16) | (green << 8) | red) >>> 0;
  });
  tables.set(key, colors);
  return colors;
}

export interface Look {
  colors: Uint32Array;
  /** Both are above 0 if the colours are logarithmic. */
  domain: [number, number];
  isLog: boolean;
  bad: Bad;
  /** Of pixels that do not count: `#rrggbb`. */
  badColor: string;
}

/** As ImageData has it. */
function packed(color: string): number {
  const rgb = Number.parseInt(color.slice(1), 16);
  return (OPAQUE | ((rgb & 255) << 16) | (rgb & 0xff00) | (rgb >> 16)) >>> 0;
}

/** All colours in hexadecimal digits, that of pixels that do not count at the end: what the server wants to know. */
export function paletteOf({ colors, badColor }: Look): string {
  const hex = (byte: number) => (byte & 255).toString(16).padStart(2, '0');
  return [...colors, packed(badColor)].map((color) => hex(color) + hex(color >> 8) + hex(color >> 16)).join('');
}

/** The index of a value's colour. */
function indexer({ domain: [low, high], isLog }: Look): (value: number) => number {
  const last = N_COLORS - 1;
  if (isLog) {
    const scale = last / Math.log(high / low);
    return (value) => (value > low ? Math.log(value / low) * scale + 0.5 : 0);
  }
  const range = high - low || 1;
  return (value) => ((value - low) / range) * last + 0.5;
}

function clamp(index: number): number {
  return index < 0 ? 0 : index > N_COLORS - 1 ? N_COLORS - 1 : index | 0;
}

/** Draws a frame of one component into `pixels`. */
export function paintGray(samples: Samples, look: Look, pixels: Uint32Array): void {
  const { colors, bad } = look;
  const index = indexer(look);
  const values = numbersOf(samples);
  const isBad = badTest(bad);
  const badColor = packed(look.badColor);
  if (values instanceof Uint16Array || values instanceof Uint8Array) {
    // One look-up a pixel.
    const table = new Uint32Array(values instanceof Uint8Array ? 1 << 8 : 1 << 16);
    for (let value = 0; value < table.length; value += 1) {
      table[value] = bad.values.includes(value) ? badColor : colors[clamp(index(value))];
    }
    for (let i = 0; i < pixels.length; i += 1) {
      pixels[i] = bad.mask?.[i] ? badColor : table[values[i]];
    }
    return;
  }
  for (let i = 0; i < pixels.length; i += 1) {
    const value = values[i];
    pixels[i] = Number.isNaN(value) || isBad(value, i) ? badColor : colors[clamp(index(value))];
  }
}

/** Draws a frame of red, green, blue and perhaps alpha: from black, the first value of the domain, to full light. */
export function paintColour(samples: Samples, nComponents: number, [low, high]: [number, number], pixels: Uint32Array): void {
  const values = numbersOf(samples);
  const scale = 255 / (high - low || 1);
  const light = (value: number) => Math.max(0, Math.min(255, Math.floor((value - low) * scale + 0.5)));
  for (let i = 0; i < pixels.length; i += 1) {
    const at = i * nComponents;
    pixels[i] = (OPAQUE | (light(values[at + 2]) << 16) | (light(values[at + 1]) << 8) | light(values[at])) >>> 0;
  }
}
