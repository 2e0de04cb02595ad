// The guard's pages in a real browser: signed in at a real provider, by keyboard and mouse, without scripts.
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startChromium } from '../support/chromium.ts';
import { people, type PeopleForge, startPeopleForge } from '../support/people-forge.ts';

let scene: PeopleForge;
let browser: Browser;
let context: BrowserContext;
let page: Page;
const complaints: string[] = [];

beforeAll(async () => {
  [scene, browser] = await Promise.all([startPeopleForge(), startChromium()]);
  scene.logins.accounts.set('olu', { ...people.olu, groups: ['agents', 'code-review'] });
  // The pages have none of their own: nothing may need one.
  context = await browser.newContext({ javaScriptEnabled: false });
  page = await context.newPage();
  page.on('console', (message) => {
    if (message.location().url.startsWith(scene.url)) complaints.push(message.text());
  });
});
afterAll(async () => {
  await browser.close();
  await scene[Symbol.asyncDispose]();
});

test('somebody signs in through the first link, gives an agent a token, and signs out', async () => {
  const [link = ''] = /http\S+\/ui\/first-administrator\/\S+/.exec(scene.forge.guard.logs()) ?? [];
  await page.goto(link);
  expect(await page.getByRole('main').innerText()).toContain('first administrator');
  await page.getByRole('link', { name: 'Continue with Example Corp' }).click();
  await page.getByLabel('Who are you?').fill('olu');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Olu Owner' }).waitFor();
  expect(page.url()).toBe(`${scene.url}/ui`);
  const cookies = await context.cookies(scene.url);
  expect(cookies.filter(({ name }) => name.startsWith('__Host-'))).toMatchObject([
    { name: '__Host-forgeguard-session', httpOnly: true, secure: true, sameSite: 'Lax', expires: -1 },
  ]);

  await page.getByLabel('Agent', { exact: true }).fill('release-bot');
  await page.getByLabel('What for').fill('releases');
  await page.getByRole('button', { name: 'Create token' }).click();
  const token = await page.locator('#issued-token').innerText();
  expect(token).toMatch(/^fg_[0-9A-Za-z]{42}$/);
  const answer = await fetch(`${scene.url}/api/v1/approvals`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(answer.status).toBe(200);
  await page.getByRole('link', { name: 'Account' }).click();
  expect(await page.getByRole('main').innerText()).toContain('agent:release-bot');
  expect(await page.content()).not.toContain(token);
  await page.getByRole('button', { name: /^Revoke the token tok-/ }).click();
  expect(await page.getByRole('main').innerText()).toContain('revoked');

  await page.getByRole('link', { name: 'People' }).click();
  await page.getByRole('heading', { name: 'People' }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.goBack();
  await page.reload();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(complaints).toEqual([]);
});

// Runs in the browser, which knows what this program does not.
const countUnnamed = `
  [...document.querySelectorAll('input:not([type=hidden]), select, textarea')]
    .filter((field) => field.labels.length !== 1).length`;

/** WCAG 2.2: contrast of each text with what is behind it. */
const measureContrasts = `(() => {
  const channel = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = (color) => {
    const [red, green, blue] = color.match(/[0-9.]+/g).map((part) => channel(Number(part) / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const groundOf = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (!/, 0\\)$|transparent/.test(color)) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  return [...document.querySelectorAll('h1, p, a, button, code')].map((element) => {
    const pair = [luminance(getComputedStyle(element).color), luminance(groundOf(element))];
    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
  });
})()`;

test.each(['light', 'dark'] as const)(
  'pages have names, labels and enough contrast in %s',
  async (colorScheme) => {
    const own = await browser.newContext({ colorScheme });
    const visit = await own.newPage();
    await visit.goto(`${scene.url}/ui/sign-in`);
    await visit.getByRole('link', { name: 'Continue with Example Corp' }).click();
    await visit.getByLabel('Who are you?').fill('olu');
    await visit.getByRole('button', { name: 'Sign in' }).click();
    for (const path of ['/ui', '/ui/people', '/ui/posture', '/ui/device', '/ui/nowhere']) {
      await visit.goto(`${scene.url}${path}`);
      expect(await visit.getAttribute('html', 'lang'), path).toBe('en');
      expect(await visit.getByRole('heading', { level: 1 }).count(), path).toBe(1);
      const unnamed = await visit.evaluate<number>(countUnnamed);
      expect(unnamed, path).toBe(0);
    }
    const contrasts = await visit.evaluate<readonly number[]>(measureContrasts);
    expect(Math.min(...contrasts)).toBeGreaterThan(4.5);
    await own.close();
  },
);
