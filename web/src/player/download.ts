/** Gives the browser a file to save. */
export function save(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Columns of the same length, as text. */
export function saveTable(name: string, columns: [string, (number | string | null)[]][]): void {
  const rows = columns[0][1].map((_, i) => columns.map(([, values]) => values[i] ?? '').join(','));
  const lines = [columns.map(([title]) => title).join(','), ...rows, ''];
  save(new Blob([lines.join('\n')], { type: 'text/csv' }), name);
}

/** A file's name for what comes of a dataset. */
export function nameOf(path: string, what: string): string {
  const name = path.split('/').pop() ?? '';
  return `${name.replace(/[^\p{L}\p{N}._-]+/gu, '_') || 'frames'}_${what}`;
}

/** What is drawn, as it is seen: the first row at the top, or at the bottom. */
export async function pictureOf(canvas: HTMLCanvasElement, isUpwards: boolean): Promise<Blob> {
  const { width, height } = canvas;
  const seen = document.createElement('canvas');
  [seen.width, seen.height] = [width, height];
  const context = seen.getContext('2d')!;
  if (isUpwards) {
    context.setTransform(1, 0, 0, -1, 0, height);
  }
  context.drawImage(canvas, 0, 0);
  return new Promise((resolve, reject) => {
    seen.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('the browser makes no picture of this size'))), 'image/png');
  });
}
