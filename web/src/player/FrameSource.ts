import { getBytes, messageOf, Refusal, type Stack } from '../api';
import { type Samples, samplesOf } from './samples';

/** Frames that are kept, in bytes. */
const CACHE_BYTES = 192 * 2 ** 20;
/** Bytes that are asked for at once. */
const BATCH_BYTES = 4 * 2 ** 20;
/** Frames that are asked for at once, if they are small. */
const BATCH_FRAMES = 1024;
/** Requests on their way: browsers have 6 connections to a server, of which H5Web needs some. */
const MAX_REQUESTS = 3;

/** An error passes at some time if the server was not there, or had too much to do. */
export type Frame = { samples: Samples } | { error: string; passesAt: number };

/** Milliseconds until a frame is asked for again. */
const RETRY = 1000;

function failed(error: unknown): Frame {
  const isPassing = !(error instanceof Refusal) || error.status === 503;
  return { error: messageOf(error), passesAt: isPassing ? performance.now() + RETRY : Infinity };
}

/**
 * The frames of a dataset: those around the current one are fetched ahead, a few at a time, and kept
 * as long as there is room.
 */
export class FrameSource {
  private readonly frames = new Map<number, Frame>();
  private readonly pending = new Map<number, AbortController>();
  private readonly nBatch: number;
  private readonly nKept: number;
  private readonly nAhead: number;
  private current = 0;
  private direction = 1;
  private nRequests = 0;
  private isClosed = false;

  public constructor(
    private readonly file: string,
    private readonly path: string,
    private readonly stack: Stack,
    private readonly onFrame: (index: number) => void,
  ) {
    const frameBytes = Math.max(1, stack.frame_bytes);
    this.nBatch = Math.max(1, Math.min(stack.chunk_frames, BATCH_FRAMES, Math.floor(BATCH_BYTES / frameBytes)));
    this.nKept = Math.max(4, Math.floor(CACHE_BYTES / frameBytes));
    this.nAhead = Math.min(stack.n_frames - 1, Math.floor(this.nKept / 2), Math.max(3 * this.nBatch, 24));
  }

  public get(index: number): Frame | undefined {
    return this.frames.get(index);
  }

  /** Says where the player is, and in which direction it goes on. */
  public want(index: number, direction: number): void {
    this.current = index;
    this.direction = direction;
    const known = this.frames.get(index);
    if (known && 'error' in known && performance.now() > known.passesAt) {
      this.frames.delete(index);
    }
    const wanted = new Set(this.wanted());
    for (const [first, controller] of this.pending) {
      const isWanted = Array.from({ length: this.nBatch }, (_, i) => first + i).some((i) => wanted.has(i));
      if (!isWanted) {
        controller.abort();
      }
    }
    this.request();
  }

  public close(): void {
    this.isClosed = true;
    this.pending.forEach((controller) => controller.abort());
    this.frames.clear();
  }

  private wanted(): number[] {
    const n = this.stack.n_frames;
    return Array.from({ length: this.nAhead + 1 }, (_, i) => (((this.current + i * this.direction) % n) + n) % n);
  }

  private request(): void {
    if (this.isClosed) {
      return;
    }
    for (const index of this.wanted()) {
      if (this.nRequests >= MAX_REQUESTS) {
        return;
      }
      const isCurrent = index === this.current;
      // The frame that is waited for comes alone: it is there sooner.
      const first = isCurrent ? index : index - (index % this.nBatch);
      const isPending = this.pending.has(first) || this.pending.has(index - (index % this.nBatch));
      if (!this.frames.has(index) && !isPending) {
        void this.fetch(first, isCurrent ? 1 : Math.min(this.nBatch, this.stack.n_frames - first));
      }
    }
  }

  private async fetch(first: number, count: number): Promise<void> {
    const controller = new AbortController();
    this.pending.set(first, controller);
    this.nRequests += 1;
    try {
      const parameters = { file: this.file, path: this.path, start: first, count };
      const bytes = await getBytes('frames', parameters, controller.signal);
      const size = bytes.byteLength / count;
      for (let i = 0; i < count; i += 1) {
        const part = count === 1 ? bytes : bytes.slice(i * size, (i + 1) * size);
        this.keep(first + i, { samples: samplesOf(this.stack.dtype, part) });
      }
    } catch (error) {
      if (!controller.signal.aborted && count === 1) {
        this.keep(first, failed(error));
      } else if (!controller.signal.aborted) {
        // One of them is damaged: each for itself then.
        await this.fetchEach(first, count, controller.signal);
      }
    }
    this.pending.delete(first);
    this.nRequests -= 1;
    this.request();
  }

  private async fetchEach(first: number, count: number, signal: AbortSignal): Promise<void> {
    for (let index = first; index < first + count && !signal.aborted; index += 1) {
      try {
        const bytes = await getBytes('frames', { file: this.file, path: this.path, start: index }, signal);
        this.keep(index, { samples: samplesOf(this.stack.dtype, bytes) });
      } catch (error) {
        if (!signal.aborted) {
          this.keep(index, failed(error));
        }
      }
    }
  }

  private keep(index: number, frame: Frame): void {
    this.frames.delete(index);
    this.frames.set(index, frame);
    // A map has its oldest entries first.
    for (const oldest of this.frames.keys()) {
      if (this.frames.size <= this.nKept) {
        break;
      }
      if (oldest !== this.current) {
        this.frames.delete(oldest);
      }
    }
    this.onFrame(index);
  }
}
