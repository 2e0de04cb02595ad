// A real browser for tests of pages: the Chromium of this machine, without a window.
import { access } from 'node:fs/promises';
import { type Browser, chromium } from 'playwright-core';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Starts it; close it in the end. Rejects where there is none. */
export async function startChromium(): Promise<Browser & AsyncDisposable> {
  const found = await Promise.all(
    places.map((path) =>
      access(path).then(
        () => path,
        () => undefined,
      ),
    ),
  );
  const executablePath = found.find((path) => path !== undefined);
  if (executablePath === undefined) throw new Error('these tests need Chromium: apt-get install chromium');
  // Tests run as root, where Chromium has no sandbox of its own; it only sees servers of the test.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}
