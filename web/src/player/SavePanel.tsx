import type { Parameters } from '../api';
import { nameOf } from './download';
import { useMovie } from './useMovie';

interface Props {
  path: string;
  /** Whether frames have more colours than a GIF file. */
  isColour: boolean;
  nFrames: number;
  /** What the server has to know of the frames and how they are shown. */
  parameters: Parameters;
  onPicture: () => void;
}

/** Files of what is seen. */
export default function SavePanel({ path, isColour, nFrames, parameters, onPicture }: Props) {
  const movie = useMovie();
  const make = (format: 'gif' | 'mp4') => movie.make({ ...parameters, format }, nFrames, nameOf(path, `movie.${format}`));
  const { progress } = movie;
  return (
    <section aria-label="Save">
      <h2>Save as shown</h2>
      <div className="row">
        <button type="button" title="The picture (s)" onClick={onPicture}>
          PNG
        </button>
        <button type="button" title="All chosen frames, lossless" disabled={isColour || progress !== undefined} onClick={() => make('gif')}>
          GIF
        </button>
        <button type="button" title="All chosen frames, lossless H.264" disabled={progress !== undefined} onClick={() => make('mp4')}>
          MP4
        </button>
      </div>
      {progress && (
        <div className="row">
          <progress aria-label="Movie progress" value={progress.done} max={progress.all} />
          <button type="button" onClick={movie.cancel}>
            Cancel
          </button>
        </div>
      )}
      {movie.error && <p className="hint notice-error">{movie.error}</p>}
    </section>
  );
}
