// The bundle that is checked in is what the source makes, byte for byte, and holds nothing of the server but Git and scanning.
import { readFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { expect, test } from 'vitest';
import { bundleAction } from '../../actions/bundle.ts';
import { bundle } from './runner.ts';

test('the bundle is that of this source; if not, `npm run build:action` and commit it', async () => {
  const kept = await readFile(bundle, 'utf8');
  const { code, modules, thirdParty } = await bundleAction(false);
  // Compared as a yes or no: nobody reads a difference of megabytes.
  expect(code === kept).toBe(true);
  const root = new URL('../../', import.meta.url).pathname;
  const own = modules
    .filter((id) => id.startsWith(root) && !id.includes('/node_modules/'))
    .map((id) => id.slice(root.length));
  expect(own.length).toBeGreaterThan(100);
  expect(
    own.filter(
      (id) =>
        !/^(actions|workcopy|core|scanners|server\/(git|scanning))\/|^(package\.json|server\/version\.ts)$/.test(
          id,
        ),
    ),
  ).toEqual([]);
  const packages = modules.flatMap((id) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(id)?.[1] ?? []);
  const heavy = ['fastify', 'pg', 'undici', 'bullmq', 'commander', '@octokit/core'];
  expect(packages.length).toBeGreaterThan(5);
  expect(packages.filter((name) => heavy.includes(name))).toEqual([]);
  expect(await readFile(new URL('../../actions/dist/THIRD-PARTY.txt', import.meta.url), 'utf8')).toBe(
    thirdParty,
  );
  const told = [...thirdParty.matchAll(/^(\S+) \d+\.\d+\.\S+, (.+)$/gm)];
  expect(told.map(([, name]) => name)).toEqual([...new Set(packages)].toSorted());
  const fine = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD'];
  expect(told.filter(([, , licence]) => !fine.includes(licence ?? ''))).toEqual([]);
});

test('the bundle needs nothing beside it', async () => {
  const code = await readFile(bundle, 'utf8');
  const named = [...code.matchAll(/(?:^|[;}\s])(?:import|export)[^;'"()]*?from ?["'`]([^"'`]+)["'`]/g)].map(
    ([, name]) => name ?? '',
  );
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((name) => !name.startsWith('node:'))).toEqual([]);
  const required = [...code.matchAll(/__require\(["'`]([^"'`]+)["'`]\)/g)].map(([, name]) => name ?? '');
  expect(required.length).toBeGreaterThan(0);
  expect(required.filter((name) => !builtinModules.includes(name.replace(/^node:/, '')))).toEqual([]);
});
