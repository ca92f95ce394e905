/** The server's answers beside those that H5Web asks for. */

export interface Stack {
  n_frames: number;
  /** Lengths of the dimensions before the frame's; frames are counted in C order. */
  leading: number[];
  height: number;
  width: number;
  n_components: number;
  /** NumPy's word for the values as they are sent, little-endian, and as they are stored. */
  dtype: string;
  stored_dtype: string;
  frame_bytes: number;
  chunk_frames: number;
  /** Rows of a frame that a projection takes at a time. */
  projection_rows: number;
  /** What the dataset says of its frames per second, and of the dimensions in `leading`. */
  fps: number | null;
  labels: (string | null)[];
  per_frame: { path: string; units: string | null; is_not_time: boolean; dtype: string | null }[];
  masks: { path: string; is_not_called_so: boolean; dtype: string }[];
}

/** Statistics of a region: of each frame and component. Integers beyond JavaScript's numbers are texts. */
export interface Region {
  next: number | null;
  components: Columns[];
  errors: [number, string][];
}

export type Exact = number | string | null;

export interface Columns {
  n: number[];
  sum: Exact[];
  min: Exact[];
  max: Exact[];
  mean: (number | null)[];
  std: (number | null)[];
}

export interface Storage {
  layout: string;
  datatype: string;
  shape: number[] | null;
  chunk: number[] | null;
  filters: string[];
  uncompressed_bytes: number;
  stored_bytes: number;
  stored: (number | null)[];
  unfiltered: number[];
  chunk_bytes: number[];
  n_frames: number | null;
  chunk_frames: number | null;
  chunks_per_frame: number | null;
  is_ours: boolean;
}

/** A chunk whose stored bytes were looked at. */
export interface CheckedChunk {
  index: number;
  damage?: string;
  content?: 'coded' | 'raw' | 'resized';
  mapping?: string;
  table_len?: number;
  planes?: { bits: number; coding: 'constant' | 'raw' | 'zstd' | 'noise' | 'video' }[];
  frame_bytes?: number[] | null;
}

export interface Checked {
  chunks: CheckedChunk[];
  next: number | null;
}

/** A request that the server can't answer. */
export class Refusal extends Error {
  public constructor(
    message: string,
    public readonly status: number,
  ) {
    super(message);
  }
}

export type Parameters = Record<string, string | number>;

/** Where the server is: beside the page, which may be below any path. */
export const API = new URL('api', document.baseURI).href;

export async function request(name: string, parameters: Parameters, signal?: AbortSignal): Promise<Response> {
  const query = new URLSearchParams(Object.entries(parameters).map(([key, value]) => [key, String(value)]));
  const response = await fetch(`${API}/${name}?${query.toString()}`, { signal }).catch((error: unknown) => {
    throw error instanceof TypeError ? new Error('The server is not there any more: start h5h264 view again') : error;
  });
  if (response.ok) {
    return response;
  }
  const answer = (await response.json().catch(() => null)) as { message?: string } | null;
  throw new Refusal(answer?.message ?? `${response.status} ${response.statusText}`, response.status);
}

export async function getJson<T>(name: string, parameters: Parameters, signal?: AbortSignal): Promise<T> {
  return (await request(name, parameters, signal)).json() as Promise<T>;
}

export async function getBytes(name: string, parameters: Parameters, signal?: AbortSignal): Promise<ArrayBuffer> {
  return (await request(name, parameters, signal)).arrayBuffer();
}

/** What went wrong, in words. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
