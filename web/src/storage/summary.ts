import type { CheckedChunk, Storage } from '../api';
import type { Point } from './Plot';

/** A chunk's ratio: uncompressed / stored bytes. */
export function ratioPoints(storage: Storage, checked: Map<number, CheckedChunk>): Point[] {
  return storage.stored.map((stored, index) => ({
    from: index,
    to: index + 1,
    value: stored ? storage.chunk_bytes[index] / stored : 0,
    isDamaged: checked.get(index)?.damage !== undefined,
  }));
}

/**
 * Stored bytes of each frame: as its chunk's header says, where that is known, else the mean over the
 * chunk. Frames that are cut into several chunks have the sum.
 */
export function framePoints(storage: Storage, checked: Map<number, CheckedChunk>): Point[] {
  const { n_frames: end, chunk_frames: nFrames, chunks_per_frame: nChunks } = storage;
  if (!end || !nFrames || !nChunks) {
    return [];
  }
  const points: Point[] = [];
  for (let group = 0; group * nChunks < storage.stored.length; group += 1) {
    const indices = Array.from({ length: nChunks }, (_, i) => group * nChunks + i);
    const chunks = indices.map((index) => checked.get(index));
    const isDamaged = chunks.some((chunk) => chunk?.damage !== undefined);
    const sizes = chunks.map((chunk) => chunk?.frame_bytes);
    if (sizes.every((size) => size?.length === nFrames)) {
      // The last chunk may reach beyond the last frame.
      for (let i = 0; i < Math.min(nFrames, end - group * nFrames); i += 1) {
        const value = sizes.reduce((sum, size) => sum + size![i], 0);
        points.push({ from: group * nFrames + i, to: group * nFrames + i + 1, value, isDamaged });
      }
    } else {
      const value = indices.reduce((sum, index) => sum + (storage.stored[index] ?? 0), 0) / nFrames;
      points.push({ from: group * nFrames, to: Math.min(end, (group + 1) * nFrames), value, isDamaged });
    }
  }
  return points;
}

/** Uncompressed / stored bytes of the chunks that are stored; 0 if there are none. */
export function ratioOf(storage: Storage): number {
  if (!storage.chunk) {
    return storage.stored_bytes > 0 ? storage.uncompressed_bytes / storage.stored_bytes : 0;
  }
  const isStored = (_: number, index: number) => storage.stored[index] !== null;
  const bytes = storage.chunk_bytes.filter(isStored).reduce((sum, n) => sum + n, 0);
  const storedBytes = storage.stored.reduce<number>((sum, n) => sum + (n ?? 0), 0);
  return storedBytes > 0 ? bytes / storedBytes : 0;
}

/** What is known of damage; `next` is the first chunk that was not looked at. */
export function checkText(storage: Storage, checked: Map<number, CheckedChunk>, next: number | undefined): string {
  const n = storage.stored.length;
  if (!storage.is_ours) {
    return 'Not checked for damage: h5h264 verify decodes chunks of any filter.';
  }
  if (next !== undefined) {
    return `Checking chunks: ${next} of ${n}…`;
  }
  const chunks = [...checked.values()];
  const nDamaged = chunks.filter((chunk) => chunk.damage !== undefined).length;
  const nUnknown = chunks.filter((chunk) => chunk.content === 'coded' && !chunk.planes).length;
  const known = nDamaged > 0 ? `${nDamaged} of ${n} chunks are damaged.` : 'All stored chunks are whole.';
  const unknown = `${nUnknown} chunks have no checksum: h5h264 verify decodes them.`;
  return nUnknown === 0 ? known : nDamaged > 0 ? `${known} ${unknown}` : unknown;
}

/** How chunks were coded, and how many of them so. */
export function codings(checked: Map<number, CheckedChunk>): [string, number][] {
  const counts = new Map<string, number>();
  for (const chunk of checked.values()) {
    const text = codingOf(chunk);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]);
}

function codingOf(chunk: CheckedChunk): string {
  if (chunk.damage !== undefined) {
    return 'damaged';
  }
  if (chunk.content !== 'coded' || !chunk.planes) {
    return chunk.content === 'coded' ? 'the first h5h264’s layout' : 'stored as it is';
  }
  const table = chunk.table_len ? `, ${chunk.table_len} values by rank` : '';
  const planes = chunk.planes.map(({ bits, coding }) => `${bits} ${coding}`).join(' + ');
  return `${chunk.mapping ?? ''}${table} · bits from the lowest: ${planes}`;
}
