// What the player computes of many frames is what NumPy says: python_tests/view_files.py has asked it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { inFolder } from './browser.mjs';
import { eventually, frameNumber, goTo, onPage, pixels, play, values } from './player.mjs';

const expected = JSON.parse(readFileSync(inFolder('expected.json'), 'utf8'));
const BAD = [255, 0, 255, 255];

function near(found, wanted, message) {
  assert.ok(Math.abs(found - wanted) <= 1e-5 * Math.max(1, Math.abs(wanted)), `${message ?? ''} ${found} instead of ${wanted}`);
}

/** Opens the page as an address that was kept says. */
async function open(page, file, path, fields = {}) {
  const address = new URL(page.url());
  address.hash = new URLSearchParams({ file, path, view: 'play', ...fields }).toString();
  // Else it would be the same page, whose address has changed.
  await page.goto('about:blank');
  await page.goto(address.href);
  await page.getByLabel('Frame', { exact: true }).waitFor();
}

/** The value at a pixel, as the page tells it. */
async function valueAt(page, x, y) {
  const box = await page.getByLabel('Frame', { exact: true }).boundingBox();
  const size = await page.getByLabel('Frame', { exact: true }).evaluate(({ width, height }) => ({ width, height }));
  await page.mouse.move(box.x + ((x + 0.5) * box.width) / size.width, box.y + ((y + 0.5) * box.height) / size.height);
  return eventually(async () => {
    const text = await page.getByLabel('Value under the cursor').textContent();
    const found = /x (\d+) +y (\d+) +value (\S+)/.exec(text);
    assert.ok(found && Number(found[1]) === x && Number(found[2]) === y, text);
    return found[3];
  });
}

async function saved(page, click) {
  const [download] = await Promise.all([page.waitForEvent('download'), click()]);
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

function table({ bytes }) {
  const [titles, ...rows] = bytes.toString().trim().split('\n').map((line) => line.split(','));
  return Object.fromEntries(titles.map((title, i) => [title, rows.map((row) => Number(row[i]))]));
}

onPage('a region has the statistics that NumPy finds, in each frame', ['movie.h5'], async (page) => {
  await play(page);
  const [left, top, width, height] = expected.region;
  const frame = page.getByLabel('Frame', { exact: true });
  const box = await frame.boundingBox();
  const at = (x, y) => [box.x + ((x + 0.5) * box.width) / 96, box.y + ((y + 0.5) * box.height) / 64];
  await page.keyboard.press('r');
  await page.mouse.move(...at(left, top));
  await page.mouse.down();
  await page.mouse.move(...at(left + width - 1, top + height - 1), { steps: 4 });
  await page.mouse.up();
  assert.equal(await page.getByLabel('Region left').inputValue(), String(left));
  assert.equal(await page.getByLabel('Region height').inputValue(), String(height));
  await goTo(page, 17);
  const { mean, sum, min, max, std } = expected.statistics;
  for (const [label, list] of Object.entries({ mean, sum, min, max, 'standard deviation': std })) {
    await eventually(async () => near(Number(await page.getByLabel(`Region ${label}`).textContent()), list[17], label));
  }
  assert.equal(await page.getByLabel('Region pixels').textContent(), String(width * height));
  await page.getByLabel('Mean over frames').check();
  const columns = table(await saved(page, () => page.getByLabel('Region', { exact: true }).getByText('Save CSV').click()));
  assert.deepEqual(columns.frame, mean.map((_, i) => i));
  for (const [name, list] of Object.entries({ mean, sum, min, max, std })) {
    columns[name].forEach((found, i) => near(found, list[i], name));
  }
  // The curve leads to frames.
  const curve = page.getByRole('img', { name: 'Mean of the region' });
  const place = await curve.boundingBox();
  await page.mouse.click(place.x + place.width - 4, place.y + 20);
  assert.ok((await frameNumber(page)) >= 57);
});

onPage('projections are those of NumPy', ['movie.h5'], async (page) => {
  await play(page);
  for (const [label, name] of [['Mean', 'mean'], ['Maximum', 'max'], ['Standard deviation', 'std']]) {
    await page.getByLabel('Show', { exact: true }).selectOption({ label });
    await page.getByLabel('Projection progress').waitFor({ state: 'detached' });
    for (const [x, y] of [[0, 0], [95, 63], [40, 32]]) {
      await eventually(async () => near(Number(await valueAt(page, x, y)), expected.projections[name][y][x], name));
    }
  }
  await page.getByLabel('Show', { exact: true }).selectOption('frames');
  assert.equal(await valueAt(page, 7, 30), String(expected.row[7]));
});

onPage('a profile has the values along its line', ['movie.h5'], async (page) => {
  await open(page, 'movie.h5', '/entry/frames', { line: '0,30,95,30' });
  const save = () => page.getByLabel('Profile', { exact: true }).getByText('Save CSV').click();
  const along = table(await saved(page, save));
  assert.deepEqual(along.value, expected.row);
  assert.deepEqual(along.distance, expected.row.map((_, i) => i));
  await page.getByLabel('Line to column').fill('30');
  const part = table(await saved(page, save));
  assert.deepEqual(part.value, expected.row.slice(0, 31));
});

onPage('bad pixels have a colour of their own and do not count', ['stacks.h5'], async (page) => {
  await open(page, 'stacks.h5', '/detector/frames', { region: '0,0,50,40', curve: '1' });
  const at = async (x, y) => (await pixels(page)).slice(4 * (y * 50 + x), 4 * (y * 50 + x) + 4);
  // The mask beside the frames is taken by itself.
  await eventually(async () => assert.deepEqual(await at(7, 10), BAD));
  assert.notDeepEqual(await at(5, 3), BAD);
  const means = async () =>
    table(await saved(page, () => page.getByLabel('Region', { exact: true }).getByText('Save CSV').click())).mean;
  (await means()).forEach((found, i) => near(found, expected.masked_mean[i]));
  await page.getByLabel('Largest of the type').check();
  await eventually(async () => assert.deepEqual(await at(5, 3), BAD));
  await goTo(page, 4);
  await page.getByLabel('Bad value').fill('7777');
  await eventually(async () => assert.deepEqual(await at(30, 20), BAD));
  assert.ok(Number(await page.getByLabel('Highest value').inputValue()) < 7777);
  await page.getByLabel('Mask', { exact: true }).selectOption('');
  await eventually(async () => assert.notDeepEqual(await at(7, 10), BAD));
  await open(page, 'stacks.h5', '/holes', { show: 'mean' });
  await page.getByLabel('Projection progress').waitFor({ state: 'detached' });
  await eventually(async () => assert.deepEqual(await at(0, 0), BAD));
  near(Number(await valueAt(page, 8, 6)), expected.holes_mean[5][8]);
});

onPage('each dimension has a slider, and projections go along one', ['stacks.h5'], async (page) => {
  await open(page, 'stacks.h5', '/deep');
  for (const [name, index] of [['t', 1], ['z', 2], ['c', 1]]) {
    await page.getByLabel(`Index ${name}`, { exact: true }).fill(String(index));
  }
  assert.equal(await frameNumber(page), 1 * 8 + 2 * 2 + 1);
  assert.equal(await valueAt(page, 11, 7), String(expected.deep[7][11]));
  await page.getByLabel('Over', { exact: true }).selectOption({ label: 'z' });
  await page.getByLabel('Show', { exact: true }).selectOption('max');
  await page.getByLabel('Projection progress').waitFor({ state: 'detached' });
  await eventually(async () => assert.equal(Number(await valueAt(page, 11, 7)), expected.max_over_z[7][11]));
});

onPage('16-bit colours are shown, and the frame rate is the file’s', ['stacks.h5'], async (page) => {
  await open(page, 'stacks.h5', '/colours', { frame: '2' });
  await eventually(async () => {
    const shown = await pixels(page);
    expected.colours.flat().forEach((pixel, i) => {
      pixel.forEach((value, j) => assert.ok(Math.abs(shown[4 * i + j] - value / 257) <= 0.51, `${i}`));
    });
  });
  await open(page, 'stacks.h5', '/detector/frames');
  assert.equal(await page.getByLabel('Speed').inputValue(), '12.5');
});

onPage('the first row is at the top, or at the bottom', ['movie.h5'], async (page) => {
  await play(page);
  const top = await page.getByLabel('Frame', { exact: true }).boundingBox();
  await page.mouse.move(top.x + 2, top.y + 2);
  const told = () => page.getByLabel('Value under the cursor').textContent();
  await eventually(async () => assert.match(await told(), /y 0 /));
  const down = await saved(page, () => page.getByRole('button', { name: 'PNG' }).click());
  await page.keyboard.press('y');
  await page.mouse.move(top.x + 3, top.y + 3);
  await eventually(async () => assert.match(await told(), /y 63 /));
  const up = await saved(page, () => page.getByRole('button', { name: 'PNG' }).click());
  assert.equal(up.name, 'frames_frame00000.png');
  const rows = ({ bytes }) =>
    page.evaluate(async (file) => {
      const picture = await createImageBitmap(new Blob([new Uint8Array(file)]));
      const context = new OffscreenCanvas(picture.width, picture.height).getContext('2d');
      context.drawImage(picture, 0, 0);
      return Array.from({ length: picture.height }, (_, y) => [...context.getImageData(0, y, picture.width, 1).data]);
    }, [...bytes]);
  const [below, above] = [await rows(down), await rows(up)];
  assert.deepEqual(above, below.toReversed());
  assert.deepEqual(below.flat(), await pixels(page));
});

onPage('a GIF has the pixels of the page', ['movie.h5'], async (page) => {
  await open(page, 'movie.h5', '/entry/frames', { frame: '3', range: '3,5', hold: '0', contrast: 'fixed', domain: '80,2000' });
  const frame = await eventually(async () => {
    const shown = await pixels(page);
    assert.ok(shown[3] === 255);
    return shown;
  });
  const gif = await saved(page, () => page.getByRole('button', { name: 'GIF' }).click());
  assert.equal(gif.name, 'frames_movie.gif');
  const first = await page.evaluate(async (bytes) => {
    const decoder = new ImageDecoder({ data: new Uint8Array(bytes), type: 'image/gif' });
    await decoder.tracks.ready;
    const { image } = await decoder.decode({ frameIndex: 0 });
    const canvas = new OffscreenCanvas(image.displayWidth, image.displayHeight);
    canvas.getContext('2d').drawImage(image, 0, 0);
    await decoder.completed;
    return {
      count: decoder.tracks.selectedTrack.frameCount,
      pixels: [...canvas.getContext('2d').getImageData(0, 0, image.displayWidth, image.displayHeight).data],
    };
  }, [...gif.bytes]);
  assert.equal(first.count, 3);
  assert.deepEqual(first.pixels, frame);
  const mp4 = await saved(page, () => page.getByRole('button', { name: 'MP4' }).click());
  assert.equal(mp4.bytes.subarray(4, 8).toString(), 'ftyp');
});

onPage('contrast is held over frames, or follows them', ['movie.h5'], async (page) => {
  await play(page);
  await page.getByRole('radio', { name: 'Min–max' }).click();
  const highest = () => page.getByLabel('Highest value').inputValue();
  const start = String(Math.max(...(await values(page, 0))));
  await eventually(async () => assert.equal(await highest(), start));
  await page.keyboard.press('h');
  assert.ok(await page.getByLabel('Hold over frames').isChecked());
  await goTo(page, 40);
  await page.keyboard.press('Enter');
  await page.waitForTimeout(300);
  assert.equal(await highest(), start);
  await page.keyboard.press('h');
  await eventually(async () => assert.notEqual(await highest(), start));
});

onPage('the address keeps what is seen', ['movie.h5'], async (page) => {
  await play(page);
  await goTo(page, 23);
  await page.getByLabel('Colour map').selectOption('Inferno');
  await page.getByRole('radio', { name: 'Min–max' }).click();
  await page.getByLabel('y upwards').check();
  await page.getByLabel('Show', { exact: true }).selectOption('std');
  await page.waitForTimeout(600);
  await page.getByLabel('Projection progress').waitFor({ state: 'detached' });
  const shown = await pixels(page);
  await page.reload();
  await page.getByLabel('Projection progress').waitFor({ state: 'detached' });
  await eventually(async () => assert.deepEqual(await pixels(page), shown));
  assert.equal(await frameNumber(page), 23);
  assert.ok(await page.getByLabel('y upwards').isChecked());
});

onPage('two datasets are shown side by side', ['movie.h5', 'stacks.h5'], async (page) => {
  await play(page);
  await page.getByLabel('Other dataset').fill('/entry/frames');
  await page.keyboard.press('Enter');
  await page.getByLabel('Frame beside').waitFor();
  for (const index of [0, 31]) {
    await goTo(page, index);
    await eventually(async () => {
      const [first, second] = [await pixels(page), await pixels(page, 'Frame beside')];
      assert.ok(first[3] === 255);
      assert.deepEqual(second, first);
    });
  }
  await page.getByLabel('Other file').selectOption('stacks.h5');
  await page.getByLabel('Other dataset').fill('/contiguous');
  await page.getByLabel('Other dataset').press('Enter');
  await eventually(async () => assert.match(await page.getByLabel('Value beside').textContent(), /no frame 31/));
});

onPage('? tells of all keys', ['movie.h5'], async (page) => {
  await play(page);
  await page.keyboard.press('?');
  const help = page.getByRole('dialog', { name: 'Keys' });
  await help.getByText('ten frames forward').waitFor();
  await page.keyboard.press('Escape');
  await help.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Keys' }).click();
  await help.getByText('draw a region').waitFor();
});

onPage('a projection of 4 GB is cancelled when something else is shown', ['large.h5'], async (page, { peakMemory }) => {
  await play(page, '/frames');
  await page.getByLabel('Show', { exact: true }).selectOption('mean');
  await eventually(async () => assert.ok(Number(await page.getByLabel('Projection progress').getAttribute('value')) > 0));
  const asked = [];
  page.on('request', (request) => request.url().includes('/projection') && asked.push(request));
  await page.getByLabel('Show', { exact: true }).selectOption('frames');
  await page.waitForTimeout(1500);
  assert.ok(asked.length <= 1);
  assert.ok(peakMemory() < 400);
});

onPage('a narrow screen has everything, one below the other', ['movie.h5'], async (page) => {
  await open(page, 'movie.h5', '/entry/frames');
  await page.setViewportSize({ width: 390, height: 844 });
  const width = await page.locator('.player').evaluate((player) => player.clientWidth);
  const frame = await page.locator('.viewport').boundingBox();
  assert.ok(frame.width > 0.95 * width && frame.height > 150, JSON.stringify(frame));
  const side = await page.locator('.side').boundingBox();
  assert.ok(side.y >= frame.y + frame.height - 1);
  await page.getByLabel('Colour map').scrollIntoViewIfNeeded();
  await page.getByLabel('Colour map').selectOption('Magma');
});
