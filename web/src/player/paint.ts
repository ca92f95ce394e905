import { INTERPOLATORS } from '@h5web/lib';

import { type Samples, numbersOf } from './samples';

export type ColorMap = keyof typeof INTERPOLATORS;

const N_COLORS = 256;
const OPAQUE = 0xff000000;
/** What is not a number. */
const NOTHING = 0xff808080;

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
  const { colors } = look;
  const index = indexer(look);
  const values = numbersOf(samples);
  if (values instanceof Uint16Array || values instanceof Uint8Array) {
    // One look-up a pixel.
    const table = new Uint32Array(values instanceof Uint8Array ? 1 << 8 : 1 << 16);
    for (let value = 0; value < table.length; value += 1) {
      table[value] = colors[clamp(index(value))];
    }
    for (let i = 0; i < pixels.length; i += 1) {
      pixels[i] = table[values[i]];
    }
    return;
  }
  for (let i = 0; i < pixels.length; i += 1) {
    const value = values[i];
    pixels[i] = Number.isNaN(value) ? NOTHING : colors[clamp(index(value))];
  }
}

/** Draws a frame of red, green, blue and perhaps alpha, of 8 bits each. */
export function paintColour(samples: Samples, nComponents: number, pixels: Uint32Array): void {
  const values = numbersOf(samples);
  for (let i = 0; i < pixels.length; i += 1) {
    const at = i * nComponents;
    pixels[i] = (OPAQUE | (values[at + 2] << 16) | (values[at + 1] << 8) | values[at]) >>> 0;
  }
}
