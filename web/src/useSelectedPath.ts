import { type RefObject, useEffect, useState } from 'react';

/**
 * The path that is selected in H5Web, which tells nobody but assistive technology: the tree and the
 * search results have items whose state says so.
 */
export function useSelectedPath(root: RefObject<HTMLElement>, initial: string): string {
  const [path, setPath] = useState(initial);
  useEffect(() => {
    const element = root.current;
    if (!element) {
      return undefined;
    }
    const look = () => {
      const item = element.querySelector<HTMLElement>('[role="treeitem"][aria-selected="true"]');
      if (item?.dataset.path) {
        setPath(item.dataset.path);
      }
    };
    look();
    const observer = new MutationObserver(look);
    observer.observe(element, { subtree: true, childList: true, attributeFilter: ['aria-selected'] });
    return () => observer.disconnect();
  }, [root]);
  return path;
}
