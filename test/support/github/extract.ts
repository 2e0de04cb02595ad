// Cuts the operations the fake answers out of GitHub's OpenAPI description. Run by hand; the package that holds the
// description is too large to depend on:
//   npm pack @octokit/openapi && tar xzf octokit-openapi-*.tgz
//   node test/support/github/extract.ts package/generated/api.github.com.json
// Texts and examples are left out: only what says which requests and answers are right is kept. The description is
// published under the MIT licence, Copyright (c) 2020 GitHub and Octokit contributors.
import { readFile, writeFile } from 'node:fs/promises';
import { operations } from './operations.ts';

type Node = { readonly [key: string]: unknown };

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;

const texts = new Set([
  'description',
  'summary',
  'example',
  'examples',
  'externalDocs',
  'tags',
  'x-github',
  'operationId',
  'title',
]);

/** The value without texts; names of properties and of parameters are not texts. */
function withoutTexts(value: unknown, areNames = false): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutTexts(item));
  if (!isNode(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => areNames || !texts.has(key))
      .map(([key, child]) => [key, withoutTexts(child, key === 'properties' && !areNames)]),
  );
}

function references(value: unknown): readonly string[] {
  if (!isNode(value)) return [];
  return Object.entries(value).flatMap(([key, child]) =>
    key === '$ref' && typeof child === 'string' ? [child] : references(child),
  );
}

function at(root: Node, reference: string): unknown {
  let found: unknown = root;
  for (const part of reference.replace('#/', '').split('/')) found = isNode(found) ? found[part] : undefined;
  if (found === undefined) throw new Error(`the description has no ${reference}`);
  return found;
}

async function extract(source: string, target: URL): Promise<void> {
  const description = JSON.parse(await readFile(source, 'utf8')) as Node;
  const paths: Record<string, Record<string, unknown>> = {};
  for (const name of operations) {
    const [method, path] = name.split(' ') as [string, string];
    const found = (description['paths'] as Node)[path] as Node | undefined;
    const operation = found?.[method.toLowerCase()];
    if (operation === undefined) throw new Error(`the description has no ${name}`);
    (paths[path] ??= {})[method.toLowerCase()] = withoutTexts(operation);
  }
  const components: Record<string, Record<string, unknown>> = {};
  const open = [...references(paths)];
  for (let reference = open.pop(); reference !== undefined; reference = open.pop()) {
    const [, , kind, name] = reference.split('/') as [string, string, string, string];
    const group = (components[kind] ??= {});
    if (name in group) continue;
    group[name] = withoutTexts(at(description, reference));
    open.push(...references(group[name]));
  }
  const info = description['info'] as Node;
  await writeFile(
    target,
    JSON.stringify({ openapi: '3.0.3', info: { version: info['version'] }, paths, components }),
  );
}

const [source] = process.argv.slice(2);
if (source === undefined) throw new Error('usage: extract.ts DESCRIPTION');
await extract(source, new URL('./generated/openapi.json', import.meta.url));
