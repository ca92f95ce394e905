import { useCallback, useState } from 'react';

import { address } from './kept';

export type View = 'browse' | 'play' | 'storage';

/** What the address bar keeps, so that a page can be loaded again. */
export interface Place {
  file: string;
  path: string;
  view: View;
}

function read(): Partial<Place> {
  const parameters = new URLSearchParams(window.location.hash.slice(1));
  const view = parameters.get('view');
  return {
    file: parameters.get('file') ?? undefined,
    path: parameters.get('path') ?? undefined,
    view: view === 'play' || view === 'storage' ? view : 'browse',
  };
}

/** The place that the page was opened at, and how to keep another one. */
export function useLocation(): [Partial<Place>, (place: Place) => void] {
  const [initial] = useState(read);
  const keep = useCallback((place: Place) => address.move(place), []);
  return [initial, keep];
}
