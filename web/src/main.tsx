import '@h5web/lib/styles.css';
import '@h5web/app/styles.css';
import './styles.css';

import { enableBigIntSerialization } from '@h5web/app';
import { createRoot } from 'react-dom/client';
import { ErrorBoundary } from 'react-error-boundary';

import Failed from './Failed';
import Shell from './Shell';

enableBigIntSerialization();
// An address that was typed or pasted; the page's own changes of it are silent.
window.addEventListener('hashchange', () => window.location.reload());
createRoot(document.querySelector('#root')!).render(
  <ErrorBoundary FallbackComponent={Failed}>
    <Shell />
  </ErrorBoundary>,
);
