import { type FallbackProps } from 'react-error-boundary';

import { messageOf } from './api';

/** What is shown instead of a part of the page that can't be drawn. */
export default function Failed({ error }: FallbackProps) {
  return <p className="notice notice-error">This can’t be shown: {messageOf(error)}</p>;
}
