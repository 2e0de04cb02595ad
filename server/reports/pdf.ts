// Prints an HTML document to PDF with an installed Chromium: one document at a time, without scripts and without a
// network, in the browser's sandbox wherever it can be had.
import { access, constants } from 'node:fs/promises';
import { platform } from 'node:os';
import process from 'node:process';
import { asGuardError, GuardError } from '../../core/errors.ts';

/** Where Chromium and its relatives are installed, the likeliest first. */
const places: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  linux: [
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome-stable',
    '/usr/bin/google-chrome',
    '/usr/bin/microsoft-edge',
    '/snap/bin/chromium',
  ],
  darwin: [
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
  ],
  win32: [
    'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
    'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
    'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
  ],
};

const longestMs = 60_000;
const mostWaiting = 4;

export interface PdfPrinter extends AsyncDisposable {
  /** Prints the document; `footer` stands at the foot of every page. Rejects with `report/no-browser`, `report/failed` or `request/too-many`. */
  print(html: string, footer: string): Promise<Uint8Array>;
}

/** `configured` is the browser's program; without it the known places are looked at. */
export function createPdfPrinter(configured: string | undefined): PdfPrinter {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;

  return {
    print: async (html, footer) => {
      if (waiting >= mostWaiting)
        throw new GuardError('request/too-many', `${mostWaiting} reports are being printed already`);
      const program = await findBrowser(configured);
      waiting += 1;
      const printed = last.then(() => printWith(program, html, footer)).finally(() => (waiting -= 1));
      last = printed.catch(() => undefined);
      return printed;
    },
    [Symbol.asyncDispose]: async () => {
      await last;
    },
  };
}

async function findBrowser(configured: string | undefined): Promise<string> {
  const candidates = configured === undefined ? (places[platform()] ?? []) : [configured];
  for (const path of candidates) {
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  const where = configured ?? 'the places where it is usually installed';
  throw new GuardError('report/no-browser', `a PDF needs Chromium, and there is none at ${where}`);
}

async function printWith(executablePath: string, html: string, footer: string): Promise<Uint8Array> {
  const deadline = AbortSignal.timeout(longestMs);
  try {
    const { chromium } = await import('playwright-core');
    const browser = await chromium.launch({
      executablePath,
      headless: true,
      // Chromium has no sandbox for root; what it shows is ours, without scripts and without a network.
      chromiumSandbox: process.getuid?.() !== 0,
      timeout: longestMs / 2,
      args: [
        '--disable-extensions',
        '--disable-background-networking',
        '--host-resolver-rules=MAP * ~NOTFOUND',
      ],
      // Nothing of the guard's environment is the browser's business.
      env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' },
    });
    const stop = (): void => void browser.close().catch(() => undefined);
    deadline.addEventListener('abort', stop, { once: true });
    try {
      const context = await browser.newContext({
        javaScriptEnabled: false,
        offline: true,
        serviceWorkers: 'block',
      });
      const page = await context.newPage();
      await page.setContent(html, { waitUntil: 'load', timeout: longestMs });
      return await page.pdf({
        format: 'A4',
        preferCSSPageSize: true,
        printBackground: true,
        tagged: true,
        outline: true,
        displayHeaderFooter: true,
        headerTemplate: '<span></span>',
        footerTemplate: footerOf(footer),
      });
    } finally {
      deadline.removeEventListener('abort', stop);
      await browser.close();
    }
  } catch (cause) {
    throw asGuardError(cause, 'report/failed', "Chromium couldn't print the report");
  }
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function footerOf(text: string): string {
  const safe = text.replaceAll(/[&<>"]/g, (sign) => entities[sign] ?? '');
  return (
    '<div style="font: 7pt DejaVu Sans, Arial, sans-serif; color: #56616f; width: 100%; padding: 0 15mm; display: flex; justify-content: space-between">' +
    `<span>${safe}</span><span><span class="pageNumber"></span> / <span class="totalPages"></span></span></div>`
  );
}
