import { useAnswer } from './useAnswer';

interface Entity {
  kind: string;
  target_file?: string;
  target_path?: string;
}

/** Where a link leads that is not followed: H5Web does not say. Everything that is selected is asked about again for it. */
export default function LinkNotice({ file, path }: { file: string; path: string }) {
  const { value } = useAnswer<Entity>('meta', file, path);
  if (value?.kind === 'external_link') {
    return (
      <p className="link-notice" role="status">
        This link leads to {value.target_path} in {value.target_file}, which is not there, or not one of the files
        given: <code>h5h264 view {file} {value.target_file}</code>
      </p>
    );
  }
  if (value?.kind === 'soft_link') {
    return (
      <p className="link-notice" role="status">
        This link leads to {value.target_path}, which is not there.
      </p>
    );
  }
  return null;
}
