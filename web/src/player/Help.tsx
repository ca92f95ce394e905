import { useEffect, useRef } from 'react';

import type { Key } from './keys';

const POINTER: [string, string][] = [
  ['wheel', 'zoom at the cursor'],
  ['drag', 'move the frame, or draw'],
  ['double-click', 'fit the frame'],
];

/** What keys and the pointer do. */
export default function Help({ keys, onClose }: { keys: Key[]; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const rows = [...keys.map(({ name, text }): [string, string] => [name, text]), ...POINTER];
  return (
    <dialog ref={dialog} className="help" aria-label="Keys" onClose={onClose} onClick={onClose}>
      <h2>Keys</h2>
      <table>
        <tbody>
          {rows.map(([name, text]) => (
            <tr key={name}>
              <th scope="row">
                <kbd>{name}</kbd>
              </th>
              <td>{text}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <button type="button">Close</button>
    </dialog>
  );
}
