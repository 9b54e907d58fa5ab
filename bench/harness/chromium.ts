import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** Starts the Chromium that is on PATH. @throws {Error} saying how to bring one. */
export function openChromium(): Promise<Browser> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter))
    for (const name of NAMES) {
      const executablePath = join(folder, name);
      try {
        accessSync(executablePath, constants.X_OK);
      } catch {
        continue;
      }
      // Root has no sandbox. Garbage is collected when it is measured.
      const args = ['--no-sandbox', '--disable-dev-shm-usage', '--js-flags=--expose-gc'];
      return chromium.launch({ executablePath, args });
    }
  throw new Error('There is no Chromium on PATH: apt-get install -y chromium');
}
