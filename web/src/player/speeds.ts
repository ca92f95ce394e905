const SPEEDS = [1, 2, 5, 10, 25, 50, 100];

/** Frames a second that can be chosen: that of the file among them. */
export function speedsWith(fps: number | null): number[] {
  return fps === null || SPEEDS.includes(fps) ? SPEEDS : [...SPEEDS, fps].sort((a, b) => a - b);
}

/** The next faster, or slower, of the speeds. */
export function nextSpeed(speed: number, fps: number | null, by: 1 | -1): number {
  const speeds = speedsWith(fps);
  const next = by > 0 ? speeds.find((one) => one > speed) : speeds.findLast((one) => one < speed);
  return next ?? speed;
}
