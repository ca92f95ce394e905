import { nextSpeed } from './speeds';
import type { Playback } from './usePlayback';

export interface Key {
  keys: string[];
  /** As the help has it. */
  name: string;
  text: string;
  run: () => void;
}

export interface Switches {
  toggleLog: () => void;
  toggleUpwards: () => void;
  drawRegion: () => void;
  drawLine: () => void;
  move: () => void;
  toggleHold: () => void;
  showHelp: () => void;
  savePicture: () => void;
}

/** What keys do, in the order in which the help lists them. */
export function keysOf(playback: Playback, nFrames: number, fps: number | null, switches: Switches): Key[] {
  return [
    { keys: [' '], name: 'space', text: 'play, pause', run: playback.toggle },
    { keys: ['ArrowLeft'], name: '←', text: 'a frame back', run: () => playback.step(-1) },
    { keys: ['ArrowRight'], name: '→', text: 'a frame forward', run: () => playback.step(1) },
    { keys: ['PageUp'], name: 'Page up', text: 'ten frames back', run: () => playback.step(-10) },
    { keys: ['PageDown'], name: 'Page down', text: 'ten frames forward', run: () => playback.step(10) },
    { keys: ['Home'], name: 'Home', text: 'the first frame', run: () => playback.seek(0) },
    { keys: ['End'], name: 'End', text: 'the last frame', run: () => playback.seek(nFrames - 1) },
    { keys: ['['], name: '[', text: 'slower', run: () => playback.setSpeed(nextSpeed(playback.speed, fps, -1)) },
    { keys: [']'], name: ']', text: 'faster', run: () => playback.setSpeed(nextSpeed(playback.speed, fps, 1)) },
    { keys: ['l'], name: 'l', text: 'logarithmic colours, or not', run: switches.toggleLog },
    { keys: ['h'], name: 'h', text: 'hold the contrast, or follow the frames', run: switches.toggleHold },
    { keys: ['y'], name: 'y', text: 'first row at the top, or at the bottom', run: switches.toggleUpwards },
    { keys: ['r'], name: 'r', text: 'draw a region', run: switches.drawRegion },
    { keys: ['p'], name: 'p', text: 'draw a line for a profile', run: switches.drawLine },
    { keys: ['m', 'Escape'], name: 'm, Esc', text: 'move the frame again', run: switches.move },
    { keys: ['s'], name: 's', text: 'save the picture as PNG', run: switches.savePicture },
    { keys: ['?'], name: '?', text: 'this help', run: switches.showHelp },
  ];
}
