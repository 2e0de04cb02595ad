// What the program loads before it knows whether it is needed: memory and time of every start.
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { run } from '../support/run.ts';

const app = new URL('../../server/app.ts', import.meta.url);

/** Prints the names of the packages that loading `app` loads, a line each. */
const program = `
import { registerHooks } from 'node:module';
const names = new Set();
registerHooks({
  load(url, context, next) {
    const name = url.split('/node_modules/').slice(1).at(-1)?.match(/^(@[^/]+[/])?[^/]+/)?.[0];
    if (name !== undefined) names.add(name);
    return next(url, context);
  },
});
await import(${JSON.stringify(app.href)});
process.stdout.write([...names].join('\\n'));
`;

test('a guard loads the large libraries of a feature only where it is configured', async () => {
  const { code, stdout, stderr } = await run(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: fileURLToPath(new URL('.', app)),
    env: {},
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const loaded = stdout.split('\n');
  expect(loaded).toContain('fastify');
  const ofFeatures =
    /^(@aws-sdk\/|@smithy\/|@octokit\/(core|auth-app|plugin-)|@node-saml\/|xml|@xmldom\/|xpath$|openid-client$|playwright|nodemailer$|bottleneck$|pkijs$|js-tiktoken$|@secretlint\/)/;
  expect(loaded.filter((name) => ofFeatures.test(name))).toEqual([]);
});
