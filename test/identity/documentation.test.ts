// The examples of docs/identity.md as configurations.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseScope } from '../../core/scope-text.ts';
import { loadConfig } from '../../server/config.ts';
import { issuerProfileNames } from '../../server/issuer-profiles.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const page = await readFile(new URL('../../docs/identity.md', import.meta.url), 'utf8');

test('every profile has an example, and each is a configuration', async () => {
  await using directory = await temporaryDirectory('identity-docs');
  const examples = [...page.matchAll(/```yaml\n(.*?)```/gs)]
    .map(([, example = '']) => example)
    .filter((example) => example.includes('issuers:'));
  const profiles = new Set<string>();
  for (const example of examples) {
    const file = join(directory.path, 'forgeguard.yaml');
    await writeFile(file, example);
    const { identity } = await loadConfig({ file, env: {} });
    for (const { profile } of identity.issuers) profiles.add(profile);
  }
  expect([...profiles].toSorted()).toEqual([...issuerProfileNames].toSorted());
});

test('the scopes that it writes can be read', () => {
  const scopes = [...page.matchAll(/github\/acme\/[^\s'`]*:[^\s'`]+/g)].map(([text]) => text);
  expect(scopes.length).toBeGreaterThan(1);
  for (const scope of scopes) expect(parseScope(scope)).not.toHaveProperty('fault');
});
