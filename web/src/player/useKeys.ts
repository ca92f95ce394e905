import { useEffect, useRef } from 'react';

const IS_TYPED_IN = 'input:not([type=range]):not([type=checkbox]), select, textarea';
/** What space is for, if it has the focus. */
const TAKES_SPACE = 'button:not([aria-selected=true]), summary, a, [role=button], input[type=checkbox]';

/** Keys that work unless something is being typed or chosen; Enter and Escape end that. */
export function useKeys(isEnabled: boolean, actions: Record<string, () => void>): void {
  const latest = useRef(actions);
  useEffect(() => {
    latest.current = actions;
  });
  useEffect(() => {
    if (!isEnabled) {
      return undefined;
    }
    let isPointing = false;
    const onKey = (event: KeyboardEvent) => {
      isPointing = false;
      const target = event.target as HTMLElement;
      if (target.matches(IS_TYPED_IN)) {
        if (event.key === 'Enter' || event.key === 'Escape') {
          target.blur();
        }
        return;
      }
      const action = latest.current[event.key];
      const isTaken = event.key === ' ' && target.matches(TAKES_SPACE);
      // Some keyboards have [ and ] behind AltGr only.
      const isCombined = (event.ctrlKey || event.altKey) && !event.getModifierState('AltGraph');
      if (!action || isTaken || isCombined || event.metaKey) {
        return;
      }
      // H5Web's tree moves its focus with the same keys.
      event.preventDefault();
      event.stopPropagation();
      action();
    };
    const onPointer = () => {
      isPointing = true;
    };
    const onChange = (event: Event) => {
      if (isPointing && event.target instanceof HTMLSelectElement) {
        event.target.blur();
      }
    };
    window.addEventListener('keydown', onKey, { capture: true });
    window.addEventListener('pointerdown', onPointer, { capture: true });
    // What has been chosen with the mouse does not need the keys any more.
    window.addEventListener('change', onChange);
    return () => {
      window.removeEventListener('keydown', onKey, { capture: true });
      window.removeEventListener('pointerdown', onPointer, { capture: true });
      window.removeEventListener('change', onChange);
    };
  }, [isEnabled]);
}
