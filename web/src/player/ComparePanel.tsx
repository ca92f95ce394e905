import { useEffect, useState } from 'react';

import { getJson } from '../api';

export interface Beside {
  file: string;
  path: string;
  isLinked: boolean;
}

interface Props {
  file: string;
  beside: Beside;
  onBeside: (beside: Beside) => void;
  error: string | undefined;
}

/** Which dataset is shown beside this one. */
export default function ComparePanel({ file, beside, onBeside, error }: Props) {
  const [files, setFiles] = useState<string[]>([file]);
  const [paths, setPaths] = useState<string[]>([]);
  const [text, setText] = useState(beside.path);
  const [isAsked, setAsked] = useState(false);
  useEffect(() => setText(beside.path), [beside.path]);
  useEffect(() => {
    getJson<string[]>('files', {}).then(setFiles, () => undefined);
  }, []);
  useEffect(() => {
    if (!isAsked) {
      return undefined;
    }
    const controller = new AbortController();
    // Only what helps to type.
    getJson<string[]>('paths', { file: beside.file, path: '/' }, controller.signal).then(
      (all) => setPaths(all.slice(0, 1000).map((path) => path.replace(/^\/*/, '/'))),
      () => undefined,
    );
    return () => controller.abort();
  }, [beside.file, isAsked]);
  const apply = () => text !== beside.path && onBeside({ ...beside, path: text });

  return (
    <section aria-label="Compare">
      <h2>Compare with</h2>
      {files.length > 1 && (
        <label className="row">
          <select
            className="wide"
            aria-label="Other file"
            value={beside.file}
            onChange={(event) => onBeside({ ...beside, file: event.target.value })}
          >
            {files.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      )}
      <label className="row">
        <input
          className="wide"
          aria-label="Other dataset"
          placeholder="path of a dataset"
          list="paths"
          value={text}
          onFocus={() => setAsked(true)}
          onChange={(event) => setText(event.target.value)}
          onBlur={apply}
          onKeyDown={(event) => event.key === 'Enter' && apply()}
        />
        <datalist id="paths">
          {paths.map((path) => (
            <option key={path} value={path} />
          ))}
        </datalist>
      </label>
      {beside.path && (
        <label className="row">
          Same contrast
          <input
            type="checkbox"
            checked={beside.isLinked}
            onChange={(event) => onBeside({ ...beside, isLinked: event.target.checked })}
          />
        </label>
      )}
      {beside.path && error && <p className="hint notice-error">{error}</p>}
    </section>
  );
}
