// A server on its files, and a page of Debian's Chromium that shows it.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const program = process.env.CARGO_BIN_EXE_h5h264 ?? path.join(root, 'crates/cli/target/release/h5h264');

const folder = process.env.VIEW_FILES ?? path.join(tmpdir(), 'h5h264-view-files');

/** A file of the folder. */
export function inFolder(name) {
  return path.join(folder, name);
}

/** Starts `h5h264 view` on files of the folder. */
export async function serve(...files) {
  const started = performance.now();
  const server = spawn(program, ['view', '--no-open', ...files.map(inFolder)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [url] = await new Promise((resolve, reject) => {
    createInterface(server.stdout).once('line', (line) => resolve([line]));
    server.once('exit', (status) => reject(new Error(`h5h264 view has ended with ${status}`)));
  });
  return {
    url,
    started,
    /** The most memory that the server has had, in MB. */
    peakMemory: () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]) / 1000,
    close: () => server.kill(),
  };
}

/** A browser of its own for a test file. */
export async function launch() {
  const profile = mkdtempSync(path.join(tmpdir(), 'h5h264-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    viewport: { width: 1400, height: 900 },
    args: [
      '--headless', '--no-sandbox', '--disable-gpu', '--use-angle=swiftshader', '--enable-unsafe-swiftshader',
      '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
      '--disable-sync',
    ],
  });
  return {
    /** Opens a server's page; what the page complains of is kept. */
    async open(url) {
      const page = await context.newPage();
      page.complaints = [];
      page.on('pageerror', (error) => page.complaints.push(String(error)));
      page.on('console', (message) => {
        if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
          page.complaints.push(message.text());
        }
      });
      await page.goto(url);
      return page;
    },
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** Selects an object in the tree; its groups are opened. */
export async function select(page, target) {
  const names = target.split('/').slice(1);
  for (let i = 1; i <= names.length; i += 1) {
    const item = page.locator(`[role=treeitem][data-path="/${names.slice(0, i).join('/')}"]`);
    if (i === names.length || (await item.getAttribute('aria-expanded')) !== 'true') {
      await item.click();
    }
  }
}

/** Shows one of the page's own views. */
export async function view(page, name) {
  await page.getByRole('tab', { name, exact: true }).click();
}
