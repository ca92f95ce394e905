import { App, H5GroveProvider } from '@h5web/app';
import { Fragment, useEffect, useRef, useState } from 'react';
import { createPortal } from 'react-dom';
import { ErrorBoundary } from 'react-error-boundary';

import { API, type Stack } from './api';
import Failed from './Failed';
import LinkNotice from './LinkNotice';
import Player from './player/Player';
import StoragePage from './storage/StoragePage';
import { useAnswer } from './useAnswer';
import { type Place, type View } from './useLocation';
import { useSelectedPath } from './useSelectedPath';

interface Props {
  files: string[];
  file: string;
  initialPath: string;
  initialView: View;
  onSelectFile: (file: string) => void;
  onMove: (place: Place) => void;
}

const VIEWS: { view: View; label: string; title: string }[] = [
  { view: 'browse', label: 'Browse', title: 'Values, attributes and plots, by H5Web' },
  { view: 'play', label: 'Play', title: 'Frames as a movie' },
  { view: 'storage', label: 'Compression', title: 'How the dataset is stored' },
];

/** H5Web, with panels of our own over its main area. */
export default function FileView(props: Props) {
  const { files, file, initialPath, initialView, onSelectFile, onMove } = props;
  const [view, setView] = useState<View>(initialView);
  const root = useRef<HTMLDivElement>(null);
  const path = useSelectedPath(root, initialPath);
  const [area, setArea] = useState<Element | null>(null);
  // A movie is where it was when one comes back to it.
  const [played, setPlayed] = useState<string>();
  if (view === 'play' && played !== path) {
    setPlayed(path);
  }

  // H5Web's main area: what is selected in its tree is shown there.
  useEffect(() => setArea(root.current?.querySelector('#h5w-main-area') ?? null), []);
  useEffect(() => onMove({ file, path, view }), [file, path, view, onMove]);

  return (
    <div className="shell">
      <header className="header">
        <span className="brand">
          <img src="icon.svg" alt="" width={22} height={22} /> h5h264 <em>view</em>
        </span>
        {files.length > 1 ? (
          <select aria-label="File" value={file} onChange={(event) => onSelectFile(event.target.value)}>
            {files.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        ) : (
          <span className="file-name">{file}</span>
        )}
        <nav className="views" role="tablist" aria-label="View">
          {VIEWS.map(({ view: value, label, title }) => (
            <button
              key={value}
              type="button"
              role="tab"
              title={title}
              aria-selected={view === value}
              onClick={() => setView(value)}
            >
              {label}
            </button>
          ))}
        </nav>
      </header>
      <div
        className="content"
        ref={root}
        onClickCapture={(event) => {
          // H5Web's own switch is for what lies below the panel.
          if ((event.target as HTMLElement).closest('[aria-label="Viewer mode"]')) {
            setView('browse');
          }
        }}
      >
        <H5GroveProvider url={API} filepath={file}>
          <App initialPath={initialPath} disableDarkMode />
        </H5GroveProvider>
        {area && createPortal(
          <Fragment key={path}>
            {view === 'browse' && path !== '/' && <LinkNotice file={file} path={path} />}
            {played === path && (
              <section className="panel" aria-label="Player" hidden={view !== 'play'}>
                <ErrorBoundary FallbackComponent={Failed}>
                  <PlayPanel file={file} path={path} isShown={view === 'play'} />
                </ErrorBoundary>
              </section>
            )}
            {view === 'storage' && (
              <section className="panel" aria-label="Compression">
                <ErrorBoundary FallbackComponent={Failed}>
                  <StoragePage file={file} path={path} />
                </ErrorBoundary>
              </section>
            )}
          </Fragment>,
          area,
        )}
      </div>
    </div>
  );
}

/** Browsers draw no larger pictures. */
const MAX_SIDE = 32_767;

function PlayPanel({ file, path, isShown }: { file: string; path: string; isShown: boolean }) {
  const { value: stack, error, isUnusable } = useAnswer<Stack>('stack', file, path);
  if (error) {
    return <p className="notice">{isUnusable ? `${error}. Select a dataset of frames in the tree.` : error}</p>;
  }
  if (!stack) {
    return <p className="notice">Loading…</p>;
  }
  if (stack.n_frames === 0 || stack.width === 0 || stack.height === 0) {
    return <p className="notice">The dataset has no frames.</p>;
  }
  if (Math.max(stack.width, stack.height) > MAX_SIDE) {
    const size = `${stack.width} × ${stack.height}`;
    return <p className="notice">Frames of {size} pixels are too large to be drawn (at most {MAX_SIDE} a side).</p>;
  }
  return <Player file={file} path={path} stack={stack} isShown={isShown} />;
}
