// Checks events against the classes of OCSF, as compile-schema.ts made them of the published schema.
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';

interface Compiled {
  readonly version: string;
  readonly classes: Readonly<Record<string, object>>;
  readonly $defs: Readonly<Record<string, object>>;
}

const compiled = JSON.parse(readFileSync(new URL('./ocsf-1.8.0.json', import.meta.url), 'utf8')) as Compiled;
const ajv = new Ajv({ allErrors: true, strict: false });
const checks = new Map(
  Object.entries(compiled.classes).map(([uid, schema]) => [
    Number(uid),
    ajv.compile({ ...schema, $defs: compiled.$defs }),
  ]),
);

/** What is wrong with an event; nothing where it is one of its class. */
export function ocsfProblems(event: unknown): readonly string[] {
  const { class_uid, activity_id, type_uid, metadata } = event as {
    readonly class_uid: number;
    readonly activity_id: number;
    readonly type_uid: number;
    readonly metadata?: { readonly version?: string };
  };
  const check = checks.get(class_uid);
  if (check === undefined) return [`there is no class ${class_uid}`];
  check(event);
  return [
    ...(check.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
    ),
    ...(type_uid === class_uid * 100 + activity_id ? [] : ['the type is not that of class and activity']),
    ...(metadata?.version === compiled.version ? [] : ['the version is another one']),
  ];
}
