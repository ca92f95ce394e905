// What tests do with the player.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launch, select, serve, view } from './browser.mjs';

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** A browser for the tests of a file, if the file has any. */
export { browser };

/** Runs a test on a page that shows files of the folder. */
export function onPage(name, files, run) {
  test(name, async () => {
    const server = await serve(...files);
    try {
      const page = await browser.open(server.url);
      await run(page, server);
      assert.deepEqual(page.complaints, []);
      await page.close();
    } finally {
      // Else the server would keep this process.
      server.close();
    }
  });
}

/** The pixels of the player's frame: red, green, blue and alpha of each. */
export async function pixels(page, label = 'Frame') {
  return page.getByLabel(label, { exact: true }).evaluate((canvas) => {
    const { width, height } = canvas;
    return [...canvas.getContext('2d').getImageData(0, 0, width, height).data];
  });
}

/** A frame as the server has it, by the page's own cookie. */
export async function values(page, index) {
  return page.evaluate(async (start) => {
    const query = new URLSearchParams({ file: 'movie.h5', path: '/entry/frames', start: String(start) });
    return [...new Uint16Array(await (await fetch(`/api/frames?${query}`)).arrayBuffer())];
  }, index);
}

export async function play(page, path = '/entry/frames') {
  await select(page, path);
  await view(page, 'Play');
  await page.getByLabel('Frame', { exact: true }).waitFor();
}

export async function goTo(page, index) {
  await page.getByLabel('Go to frame').fill(String(index));
}

export async function frameNumber(page) {
  return Number(await page.getByLabel('Go to frame').inputValue());
}

/** Waits until something is so. */
export async function eventually(check) {
  for (let i = 0; ; i += 1) {
    try {
      return await check();
    } catch (error) {
      if (i === 100) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

