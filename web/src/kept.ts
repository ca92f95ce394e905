import { type Dispatch, type SetStateAction, useEffect, useState } from 'react';

import { type Place } from './useLocation';

/** Browsers take no more than some changes of the address in a second. */
const DELAY = 250;
const PLACE = ['file', 'path', 'view'];

/** How a value is written in the address. What can't be read there is `undefined`. */
export interface Codec<T> {
  read: (text: string) => T | undefined;
  write: (value: T) => string;
}

export const TEXT: Codec<string> = { read: (text) => text, write: (value) => value };
export const NUMBER: Codec<number> = { read: numberOf, write: String };
export const FLAG: Codec<boolean> = {
  read: (text) => (text === '1' ? true : text === '0' ? false : undefined),
  write: (value) => (value ? '1' : '0'),
};

/** Numbers, as many as there have to be. */
export function numbers<T extends number[]>(count: number): Codec<T | undefined> {
  return {
    read: (text) => {
      const read = text.split(',').map(numberOf);
      return read.length === count && !read.includes(undefined) ? (read as T) : undefined;
    },
    write: (value) => value?.join(',') ?? '',
  };
}

export function oneOf<T extends string>(...words: T[]): Codec<T> {
  return { read: (text) => words.find((word) => word === text), write: (value) => value };
}

function numberOf(text: string): number | undefined {
  const value = Number(text);
  return text.trim() !== '' && Number.isFinite(value) ? value : undefined;
}

/** What the address says beside the place: how that is looked at. */
class Address {
  private place: Place | undefined;
  private readonly fields: URLSearchParams;
  private timer: number | undefined;

  public constructor() {
    const parameters = new URLSearchParams(window.location.hash.slice(1));
    const [file, path, view] = PLACE.map((name) => parameters.get(name));
    PLACE.forEach((name) => parameters.delete(name));
    this.fields = parameters;
    if (file !== null && path !== null) {
      this.place = { file, path, view: view as Place['view'] };
    }
  }

  /** Another dataset is looked at from the start. */
  public move(place: Place): void {
    if (!this.isAt(place.file, place.path)) {
      [...this.fields.keys()].forEach((key) => this.fields.delete(key));
    }
    this.place = place;
    this.write();
  }

  public isAt(file: string, path: string): boolean {
    return this.place?.file === file && this.place.path === path;
  }

  public get(key: string): string | null {
    return this.fields.get(key);
  }

  public set(key: string, text: string | undefined): void {
    if (text === undefined) {
      this.fields.delete(key);
    } else {
      this.fields.set(key, text);
    }
    this.timer ??= window.setTimeout(() => this.write(), DELAY);
  }

  private write(): void {
    window.clearTimeout(this.timer);
    this.timer = undefined;
    const parameters = new URLSearchParams([...Object.entries(this.place ?? {}), ...this.fields]);
    window.history.replaceState(null, '', `#${parameters.toString()}`);
  }
}

export const address = new Address();

/** State of what shows a dataset, which the address keeps unless it is as at the start. */
export function useKept<T>(
  { file, path }: { file: string; path: string },
  key: string,
  codec: Codec<T>,
  start: T,
): [T, Dispatch<SetStateAction<T>>] {
  const [value, setValue] = useState(() => {
    const text = address.isAt(file, path) ? address.get(key) : null;
    return text === null ? start : (codec.read(text) ?? start);
  });
  const text = codec.write(value);
  const isStart = text === codec.write(start);
  useEffect(() => {
    if (address.isAt(file, path)) {
      address.set(key, isStart ? undefined : text);
    }
  }, [file, path, key, text, isStart]);
  return [value, setValue];
}
