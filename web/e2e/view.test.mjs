// `h5h264 view` as people use it, in a real browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { select, serve, view } from './browser.mjs';
import { browser, eventually, frameNumber, goTo, onPage, pixels, play, values } from './player.mjs';

/** Grey between the least and the greatest value, in which a pixel's colour is its value. */
async function showInGrey(page) {
  await page.getByLabel('Colour map').selectOption('Greys');
  await page.getByLabel('Inverted').uncheck();
  await page.getByRole('radio', { name: 'Min–max' }).click();
}

function greyOf(frame) {
  const low = Math.min(...frame);
  const high = Math.max(...frame);
  return frame.map((value) => ((value - low) / (high - low)) * 255);
}

async function assertShows(page, index) {
  const expected = greyOf(await values(page, index));
  await eventually(async () => {
    const shown = await pixels(page);
    // H5Web's Greys are not quite linear.
    const worst = Math.max(...expected.map((grey, i) => Math.abs(shown[4 * i] - grey)));
    assert.ok(worst < 40, `a pixel is off by ${worst}`);
    const order = [...expected.keys()].sort((a, b) => expected[a] - expected[b]);
    const isMonotonic = order.every((pixel, i) => i === 0 || shown[4 * pixel] >= shown[4 * order[i - 1]]);
    assert.ok(isMonotonic, 'brighter values have darker pixels');
  });
}

onPage('a dataset is selected and H5Web shows it', ['movie.h5', 'types.h5'], async (page) => {
  await select(page, '/entry/frames');
  await page.getByRole('figure', { name: 'frames' }).locator('canvas').first().waitFor();
  await page.getByRole('tab', { name: 'Inspect' }).click();
  await page.getByText('60 x 64 x 96').first().waitFor();
});

onPage('values of all types are shown', ['types.h5'], async (page) => {
  await select(page, '/texts/scalar');
  await page.getByText('grün').first().waitFor();
  await select(page, '/texts/variable');
  await page.getByText('länger').first().waitFor();
  await select(page, '/others/compound with text');
  await page.getByText('two').first().waitFor();
  await select(page, '/links/soft');
  await page.getByText('42.5').first().waitFor();
  await select(page, '/links/broken');
  await page.getByText(/soft link|broken|unresolved|no entity/i).first().waitFor();
});

onPage('pixels are those of the frame, whichever is gone to', ['movie.h5'], async (page) => {
  await play(page);
  await showInGrey(page);
  for (const index of [0, 17, 59]) {
    await goTo(page, index);
    await assertShows(page, index);
  }
});

onPage('frames are stepped and played, by mouse and keyboard', ['movie.h5'], async (page) => {
  await play(page);
  await showInGrey(page);
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowLeft');
  await assertShows(page, 1);
  await page.keyboard.press('End');
  assert.equal(await frameNumber(page), 59);
  await page.keyboard.press('Home');
  await page.getByRole('button', { name: 'Play', exact: true }).click();
  await eventually(async () => assert.ok((await frameNumber(page)) > 5));
  await page.keyboard.press('Space');
  await page.getByRole('button', { name: 'Play', exact: true }).waitFor();
  // A frame that was on its way is shown all the same.
  await page.waitForTimeout(300);
  const stopped = await frameNumber(page);
  await assertShows(page, stopped);
  assert.equal(await frameNumber(page), stopped);
});

onPage('keys work after the mouse was used, and a movie is where it was', ['movie.h5'], async (page) => {
  await play(page);
  await page.getByRole('tab', { name: 'Play', exact: true }).click();
  await page.keyboard.press('PageDown');
  assert.equal(await frameNumber(page), 10);
  await page.getByLabel('Frame number').click({ position: { x: 2, y: 5 } });
  const clicked = await frameNumber(page);
  await page.keyboard.press('PageDown');
  assert.equal(await frameNumber(page), clicked + 10);
  await goTo(page, 30);
  await page.keyboard.press('Enter');
  await page.keyboard.press('l');
  assert.ok(await page.getByLabel('Logarithmic').isChecked());
  await view(page, 'Compression');
  await page.keyboard.press('End');
  await view(page, 'Play');
  assert.equal(await frameNumber(page), 30);
  assert.ok(await page.getByLabel('Logarithmic').isChecked());
  await page.keyboard.press('Space');
  await page.getByRole('button', { name: 'Pause' }).waitFor();
});

onPage('times are those of the dataset that has them', ['movie.h5'], async (page) => {
  await play(page);
  await goTo(page, 6);
  await eventually(async () => {
    assert.equal(await page.getByLabel('Value of this frame').textContent(), '0.75 s');
  });
  await page.getByLabel('Values per frame').selectOption('/entry/timestamps_ns');
  await eventually(async () => {
    assert.equal(await page.getByLabel('Value of this frame').textContent(), '1700000000000000061 ns');
  });
});

onPage('the value under the cursor is exact, zoomed or not', ['movie.h5'], async (page) => {
  await play(page);
  const frame = await values(page, 0);
  const viewport = page.locator('.viewport');
  const check = async () => {
    const box = await viewport.boundingBox();
    await page.mouse.move(box.x + box.width / 2 + 3, box.y + box.height / 2 + 3);
    await eventually(async () => {
      const text = await page.getByLabel('Value under the cursor').textContent();
      const [, x, y, value] = /x (\d+) +y (\d+) +value (\d+)/.exec(text);
      assert.equal(Number(value), frame[Number(y) * 96 + Number(x)]);
    });
  };
  await check();
  await page.mouse.wheel(0, -600);
  await check();
});

onPage('contrast and colours change what is seen', ['movie.h5'], async (page) => {
  await play(page);
  const seen = new Set();
  const look = async () => {
    await eventually(async () => {
      const shown = (await pixels(page)).join();
      assert.ok(!seen.has(shown));
      seen.add(shown);
    });
  };
  await look();
  await page.getByRole('radio', { name: 'Min–max' }).click();
  await look();
  await page.getByLabel('Logarithmic').check();
  await look();
  await page.getByLabel('Colour map').selectOption('Inferno');
  await look();
  await page.getByLabel('Highest value').fill('300');
  await page.keyboard.press('Enter');
  await look();
  assert.equal(await page.getByRole('radio', { name: 'Fixed' }).getAttribute('aria-checked'), 'true');
});

onPage('a damaged chunk says so, and the others are shown', ['damaged.h5'], async (page) => {
  await play(page);
  await goTo(page, 25);
  await page.getByRole('alert').getByText('checksum').waitFor();
  await goTo(page, 31);
  await page.getByRole('alert').waitFor({ state: 'detached' });
  await view(page, 'Compression');
  await page.getByText('1 of 6 chunks are damaged').waitFor();
  await page.getByText('Chunk 2', { exact: true }).waitFor();
  await view(page, 'Browse');
  await page.getByRole('figure', { name: 'frames' }).waitFor();
});

onPage('compression is told', ['movie.h5'], async (page) => {
  await select(page, '/entry/frames');
  await view(page, 'Compression');
  await page.getByText('All stored chunks are whole').waitFor();
  await page.getByRole('img', { name: 'Stored bytes of each frame' }).waitFor();
  await page.getByText(/bits from the lowest: .* video/).first().waitFor();
});

onPage('what is not known of damage is said', ['types.h5'], async (page) => {
  await select(page, '/stored/gzip');
  await view(page, 'Compression');
  await page.getByText('Not checked for damage').waitFor();
  await select(page, '/stored/first layout');
  await page.getByText('2 chunks have no checksum').waitFor();
});

onPage('a link that is not followed says where it leads', ['types.h5'], async (page) => {
  await select(page, '/links/external');
  await page.getByText('This link leads to /inside in other.h5').waitFor();
  await select(page, '/links/hard');
  await page.getByText('This link leads').waitFor({ state: 'detached' });
});

onPage('10,000 datasets are listed', ['many.h5'], async (page, { started, peakMemory }) => {
  await page.locator('[data-path="/dataset09999"]').waitFor({ state: 'attached' });
  console.log(`10,000 datasets are listed after ${Math.round(performance.now() - started)} ms, ${peakMemory()} MB`);
  await select(page, '/dataset00042');
  await page.getByText('42').nth(1).waitFor();
});

/** Selects a dataset to be played, in the page; and waits for a picture. */
function firstPicture() {
  const started = performance.now();
  [...document.querySelectorAll('[role=tab]')].find((tab) => tab.textContent === 'Play').click();
  document.querySelector('[data-path="/frames"]').click();
  return new Promise((resolve) => {
    const look = () => {
      const canvas = document.querySelector('.viewport canvas');
      const isDrawn = canvas?.width === 512 && canvas.getContext('2d').getImageData(256, 256, 1, 1).data[3] > 0;
      return isDrawn ? resolve(performance.now() - started) : setTimeout(look, 5);
    };
    look();
  });
}

onPage('a dataset of 4 GB is played', ['large.h5'], async (page, { started, peakMemory }) => {
  console.log(`the page was there after ${Math.round(performance.now() - started)} ms`);
  await page.locator('[data-path="/frames"]').waitFor();
  const ms = await page.evaluate(firstPicture);
  console.log(`the first picture was there ${Math.round(ms)} ms after it was asked for`);
  await goTo(page, 8000);
  await page.getByLabel('Speed').selectOption('100');
  await goTo(page, 100);
  await page.getByRole('button', { name: 'Play', exact: true }).click();
  await page.waitForTimeout(5000);
  console.log(`512 × 512, uint16: ${await page.getByLabel('Frames a second').textContent()} played`);
  assert.ok((await frameNumber(page)) > 110);
  console.log(`the server has had ${Math.round(peakMemory())} MB at most`);
  assert.ok(peakMemory() < 300);
});

test('without the token there is no page', async () => {
  const server = await serve('movie.h5');
  const page = await browser.open(server.url.split('?')[0]);
  assert.match(await page.textContent('body'), /the token is missing/);
  await page.close();
  server.close();
});

