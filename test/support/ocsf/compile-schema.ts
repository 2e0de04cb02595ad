// Makes JSON Schemas of the event classes that the guard sends out of a checkout of the OCSF schema:
// `node test/support/ocsf/compile-schema.ts CHECKOUT > test/support/ocsf/ocsf-1.8.0.json`, then format it. What the guard has no use for
// is left out and thereby forbidden; what is required stays required.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

interface Attribute {
  readonly requirement?: string;
  readonly enum?: Readonly<Record<string, unknown>>;
  readonly profile?: string | null;
}
interface Definition {
  readonly uid?: number;
  readonly name: string;
  readonly category?: string;
  readonly extends?: string;
  readonly attributes: Readonly<Record<string, Attribute | readonly string[]>>;
  readonly constraints?: { readonly at_least_one?: readonly string[] };
}
interface Dictionary {
  readonly attributes: Readonly<
    Record<string, { type: string; is_array?: boolean; enum?: Readonly<Record<string, unknown>> }>
  >;
  readonly types: { readonly attributes: Readonly<Record<string, { type?: string; regex?: string }>> };
}
type Schema = Readonly<Record<string, unknown>>;

const classes = [
  'findings/data_security_finding',
  'iam/authentication',
  'iam/entity_management',
  'iam/user_access',
  'application/api_activity',
  'application/application_lifecycle',
];
const objects = new Set([
  'actor',
  'api',
  'data_security',
  'file',
  'fingerprint',
  'finding_info',
  'group',
  'idp',
  'managed_entity',
  'metadata',
  'network_endpoint',
  'policy',
  'product',
  'request',
  'resource_details',
  'response',
  'service',
  'session',
  'user',
]);
const profiles = new Set(['security_control']);

const [checkout = ''] = process.argv.slice(2);
const read = (path: string): unknown => JSON.parse(readFileSync(join(checkout, path), 'utf8'));
const dictionary = read('dictionary.json') as Dictionary;
const { version } = read('version.json') as { version: string };
const { attributes: categories } = read('categories.json') as { attributes: Record<string, { uid: number }> };

interface Merged {
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly oneOf: readonly string[];
  readonly category: string | undefined;
}

function merge(path: string, parentOf: (name: string) => string): Merged {
  const own = read(path) as Definition;
  const parent = own.extends === undefined ? undefined : merge(parentOf(own.extends), parentOf);
  const attributes = new Map(parent?.attributes);
  const included = own.attributes['$include'];
  for (const name of Array.isArray(included) ? included : []) {
    const profile = read(String(name)) as Definition;
    for (const [key, attribute] of Object.entries(profile.attributes)) {
      if (profiles.has(profile.name) && !Array.isArray(attribute))
        attributes.set(key, { ...(attribute as Attribute), requirement: 'optional' });
    }
  }
  for (const [key, attribute] of Object.entries(own.attributes)) {
    if (key === '$include') continue;
    const before = attributes.get(key);
    const more = attribute as Attribute;
    attributes.set(key, { ...before, ...more, enum: { ...before?.enum, ...more.enum } });
  }
  const constraints = own.constraints ?? {};
  return {
    attributes,
    oneOf: constraints.at_least_one ?? parent?.oneOf ?? [],
    category: own.category ?? parent?.category,
  };
}

const primitive: Readonly<Record<string, string>> = {
  boolean_t: 'boolean',
  float_t: 'number',
  integer_t: 'integer',
  long_t: 'integer',
};

function typeSchema(name: string): Schema | undefined {
  const type = dictionary.types.attributes[name];
  if (type === undefined) {
    if (name === 'object') return { type: 'object' };
    return objects.has(name) ? { $ref: `#/$defs/${name}` } : undefined;
  }
  if (name === 'json_t') return {};
  const base = primitive[name] ?? primitive[type.type ?? ''] ?? 'string';
  return { type: base, ...(type.regex === undefined ? {} : { pattern: type.regex }) };
}

function attributeSchema(name: string, attribute: Attribute): Schema | undefined {
  const entry = dictionary.attributes[name];
  const type = entry === undefined ? undefined : typeSchema(entry.type);
  if (entry === undefined || type === undefined) return undefined;
  const allowed = Object.keys({ ...entry.enum, ...attribute.enum });
  const closed =
    allowed.length === 0
      ? type
      : { ...type, enum: type['type'] === 'integer' ? allowed.map(Number) : allowed };
  return entry.is_array === true ? { type: 'array', items: closed } : closed;
}

function objectSchema({ attributes, oneOf }: Merged, fixed: Readonly<Record<string, number>> = {}): Schema {
  const properties: Record<string, Schema> = {};
  for (const [name, attribute] of attributes) {
    const schema = attributeSchema(name, attribute);
    if (schema !== undefined) properties[name] = name in fixed ? { const: fixed[name] } : schema;
  }
  const required = [...attributes].filter(([, { requirement }]) => requirement === 'required');
  return {
    type: 'object',
    properties,
    required: required.map(([name]) => name).toSorted(),
    additionalProperties: false,
    ...(oneOf.length === 0 ? {} : { anyOf: oneOf.map((name) => ({ required: [name] })) }),
  };
}

const objectPath = (name: string): string => `objects/${name}.json`;
const eventPath = (name: string): string => {
  const found = ['', 'findings/', 'iam/', 'application/'].find((folder) =>
    existsSync(join(checkout, `events/${folder}${name}.json`)),
  );
  return `events/${found}${name}.json`;
};

function classSchema(path: string): readonly [string, Schema] {
  const { uid = 0 } = read(`events/${path}.json`) as Definition;
  const merged = merge(`events/${path}.json`, eventPath);
  const category = categories[merged.category ?? '']?.uid ?? 0;
  const class_uid = category * 1000 + uid;
  return [String(class_uid), objectSchema(merged, { category_uid: category, class_uid })];
}

const compiled = {
  $comment: `Derived from the Open Cybersecurity Schema Framework ${version}, https://github.com/ocsf/ocsf-schema. Copyright OCSF a Series of LF Projects, LLC. Licensed under the Apache License 2.0, see LICENSE.`,
  version,
  classes: Object.fromEntries(classes.map(classSchema)),
  $defs: Object.fromEntries(
    [...objects].map((name) => [name, objectSchema(merge(objectPath(name), objectPath))]),
  ),
};
process.stdout.write(`${JSON.stringify(compiled, undefined, 1)}\n`);
