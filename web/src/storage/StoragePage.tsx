import { useMemo } from 'react';

import { type Storage } from '../api';
import { bytes } from '../player/format';
import { useAnswer } from '../useAnswer';
import Plot from './Plot';
import { checkText, codings, framePoints, ratioOf, ratioPoints } from './summary';
import { useChecked } from './useChecked';

interface Props {
  file: string;
  path: string;
}

/** How a dataset is stored, and whether its chunks are whole. */
export default function StoragePage({ file, path }: Props) {
  const { value: storage, error, isUnusable } = useAnswer<Storage>('chunks', file, path);
  if (error) {
    return <p className="notice">{isUnusable ? `${error}. Select a dataset in the tree.` : error}</p>;
  }
  if (!storage) {
    return <p className="notice">Loading…</p>;
  }
  return <Report file={file} path={path} storage={storage} />;
}

function Report({ file, path, storage }: Props & { storage: Storage }) {
  const progress = useChecked(file, path, storage.is_ours);
  const { chunks, next, error } = progress;
  const damaged = [...chunks.values()].filter((chunk) => chunk.damage !== undefined);
  // The map is the same while it fills; what holds it is not.
  const ratios = useMemo(() => ratioPoints(storage, progress.chunks), [storage, progress]);
  const frames = useMemo(() => framePoints(storage, progress.chunks), [storage, progress]);
  const nStored = storage.stored.filter((n) => n !== null).length;
  const ratio = ratioOf(storage);

  return (
    <div className="storage">
      <h1>{path}</h1>
      <dl className="facts">
        <Fact name="Compression ratio" value={ratio ? ratio.toFixed(2) : '–'} isLarge />
        <Fact name="Uncompressed" value={bytes(storage.uncompressed_bytes)} isLarge />
        <Fact name="Stored" value={bytes(storage.stored_bytes)} isLarge />
        <Fact name="Type" value={storage.datatype} />
        <Fact name="Shape" value={storage.shape?.join(' × ') || 'scalar'} />
        <Fact name="Chunks" value={storage.chunk ? `${storage.chunk.join(' × ')}, ${nStored} stored` : storage.layout} />
        <Fact name="Filters" value={storage.filters.join(', ') || 'none'} />
        {storage.unfiltered.length > 0 && (
          <Fact name="Chunks that a filter was left out of" value={String(storage.unfiltered.length)} />
        )}
      </dl>
      {storage.chunk && (
        <p className={damaged.length > 0 ? 'check check-bad' : 'check'} role="status">
          {error ?? checkText(storage, chunks, next)}
        </p>
      )}
      {damaged.length > 0 && (
        <ul className="damages">
          {damaged.slice(0, 100).map((chunk) => (
            <li key={chunk.index}>
              <strong>Chunk {chunk.index}</strong> {chunk.damage}
            </li>
          ))}
        </ul>
      )}
      {ratios.length > 0 && (
        <Plot title="Compression ratio of each chunk" axis="chunk" points={ratios} format={(n) => n.toFixed(2)} />
      )}
      {frames.length > 0 && (
        <Plot title="Stored bytes of each frame" axis="frame" points={frames} format={bytes} />
      )}
      {chunks.size > 0 && (
        <table className="codings">
          <caption>How chunks were coded</caption>
          <tbody>
            {codings(chunks).map(([text, n]) => (
              <tr key={text}>
                <td>{n}</td>
                <td>{text}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}

function Fact({ name, value, isLarge }: { name: string; value: string; isLarge?: boolean }) {
  return (
    <div className={isLarge ? 'fact fact-large' : 'fact'}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
