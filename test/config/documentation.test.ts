// docs/configuration.md against the schema, both ways, and its examples as configurations.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { environmentVariables } from '../../server/config-resolve.ts';
import { configSchema } from '../../server/config-schema.ts';
import { loadConfig } from '../../server/config.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
  readonly description?: string;
}

/** Every key of the schema, such as `forges[].name`; where secrets come from is told once for all. */
function keysOf(node: Node, path: string): readonly string[] {
  if (node.properties !== undefined && 'command' in node.properties) return [];
  const own = Object.entries(node.properties ?? {}).filter(([key]) => key !== 'env' && key !== 'file');
  return [
    ...own.flatMap(([key, child]) => {
      const name = path === '' ? key : `${path}.${key}`;
      return [name, ...keysOf(child, name)];
    }),
    ...(node.items === undefined ? [] : keysOf(node.items, `${path}[]`)),
    ...[...(node.anyOf ?? []), ...(node.oneOf ?? [])].flatMap((branch) => keysOf(branch, path)),
  ];
}

const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as Node;
const page = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
const rows = [...page.matchAll(/^\| `([^`]+)` +\|/gm)].map(([, name = '']) => name);

describe('docs/configuration.md', () => {
  test('has a row for every key and every environment variable, and no others', () => {
    const keys = new Set(keysOf(schema, ''));
    expect(keys.size).toBeGreaterThan(40);
    expect(rows.toSorted()).toEqual([...keys, ...Object.keys(environmentVariables)].toSorted());
  });

  test('has examples that are configurations', async () => {
    const examples = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, example = '']) => example);
    expect(examples.length).toBeGreaterThan(1);
    await using directory = await temporaryDirectory('documented');
    const env = {
      GITHUB_TOKEN: 'x',
      GITHUB_APP_KEY: 'x',
      GITEA_PASSWORD: 'x',
      DATABASE_URL: 'postgres://x/y',
    };
    for (const example of examples) {
      const file = join(directory.path, 'forgeguard.yaml');
      await writeFile(file, example);
      expect((await loadConfig({ file, env })).sandbox).toBe(false);
    }
  });

  test('is backed by a description of every leaf', () => {
    const bare = (node: Node, path: string): readonly string[] =>
      Object.entries(node.properties ?? {}).flatMap(([key, child]) =>
        child.properties === undefined && child.description === undefined && key !== 'credential'
          ? [`${path}${key}`]
          : bare(child, `${path}${key}.`),
      );
    expect(bare(schema, '')).toEqual([]);
  });
});
