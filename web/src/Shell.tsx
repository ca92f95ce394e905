import { useEffect, useState } from 'react';

import { getJson, messageOf } from './api';
import FileView from './FileView';
import { useLocation } from './useLocation';

/** The page: which file is shown, and the file. */
export default function Shell() {
  const [initial, keep] = useLocation();
  const [files, setFiles] = useState<string[]>();
  const [error, setError] = useState<string>();
  const [file, setFile] = useState<string>();

  useEffect(() => {
    getJson<string[]>('files', {}).then((names) => {
      setFiles(names);
      setFile(initial.file && names.includes(initial.file) ? initial.file : names[0]);
    }, (e: unknown) => setError(messageOf(e)));
  }, [initial]);

  useEffect(() => {
    document.title = file ? `${file} · h5h264 view` : 'h5h264 view';
  }, [file]);

  if (error) {
    return <p className="notice notice-error">{error}</p>;
  }
  if (!files || !file) {
    return <p className="notice">Loading…</p>;
  }
  const isInitial = file === initial.file;
  return (
    <FileView
      key={file}
      files={files}
      file={file}
      initialPath={(isInitial && initial.path) || '/'}
      initialView={(isInitial && initial.view) || 'browse'}
      onSelectFile={setFile}
      onMove={keep}
    />
  );
}
