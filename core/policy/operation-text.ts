// An operation written by a person to try a policy with: everything that is left out takes a harmless default.
import { z } from 'zod';
import { identifiers, severities } from '../../scanners/finding.ts';
import type { Finding } from '../../scanners/finding.ts';
import { readDocument } from '../document.ts';
import { parseOid, zeroOid } from '../oid.ts';
import type { Oid } from '../oid.ts';
import { operations, refUpdateKinds, signatureStates } from '../operation.ts';
import type { Operation, RefUpdateKind } from '../operation.ts';
import { closed } from '../schema.ts';

const text = z.string().max(4_096);
const texts = z.array(text).default([]);

const actor = closed({
  kind: z.enum(['agent', 'human', 'workload']).default('agent'),
  id: text.default('agent:example'),
  groups: texts,
  onBehalfOf: texts,
});

const refUpdate = closed({
  ref: text,
  kind: z.enum(refUpdateKinds).default('update'),
  isDefaultBranch: z.boolean().default(false),
});

const path = closed({
  path: text,
  change: z.enum(['add', 'modify', 'delete']).default('modify'),
  mode: z
    .string()
    .regex(/^[0-7]{6}$/, 'a mode has six octal digits, such as 100644')
    .default('100644'),
  ref: text.optional(),
});

const finding = closed({
  rule: text.default('example/rule'),
  category: z.enum(['phi', 'secret', 'policy']),
  identifier: z.enum(identifiers).default('other'),
  severity: z.enum(severities).default('high'),
  confidence: z.number().min(0).max(1).default(1),
  path: text.default('example.txt'),
  fingerprint: text.default('0'.repeat(32)),
});

const operationSchema = closed({
  kind: z.enum(operations),
  actor: actor.prefault({}),
  repository: text.default('example/owner/repository'),
  refUpdates: z.array(refUpdate).default([]),
  paths: z
    .array(
      z.union([path, text.transform((name) => path.parse({ path: name }))], {
        error: 'expected a path or a mapping',
      }),
    )
    .default([]),
  size: closed({
    bytes: z.int().min(0).default(0),
    objects: z.int().min(0).default(0),
    commits: z.int().min(0).default(0),
  }).prefault({}),
  foreignAuthors: texts,
  signatures: z.array(z.enum(signatureStates)).default([]),
  findings: z.array(finding).default([]),
  environment: text.optional(),
  mergeApproved: z.boolean().optional(),
});

/** Reads an operation from JSON or YAML. Throws `GuardError` `input/invalid` with every problem found. */
export function parseOperation(content: string, name: string): Operation {
  const written = readDocument(operationSchema, content, { name, code: 'input/invalid' });
  const firstRef = written.refUpdates[0]?.ref ?? '';
  return {
    ...written,
    actor: {
      ...written.actor,
      issuer: 'guard',
      subject: written.actor.id,
      session: 'example',
      proof: 'guard-token',
    },
    refUpdates: written.refUpdates.map((update) => ({ ...update, ...exampleOids(update.kind) })),
    paths: written.paths.map((each) => ({ ...each, ref: each.ref ?? firstRef })),
    findings: written.findings.map((each) => ({ ...each, ...examplePlace })),
  };
}

const examplePlace = {
  line: 1,
  column: 1,
  endLine: 1,
  endColumn: 2,
  byteStart: 0,
  byteEnd: 1,
  masked: '*',
  message: 'An example.',
} as const satisfies Partial<Finding>;

function exampleOids(kind: RefUpdateKind): { readonly oldOid: Oid; readonly newOid: Oid } {
  const zero = zeroOid('sha1');
  const before = parseOid('1'.repeat(40), 'sha1') ?? zero;
  const after = parseOid('2'.repeat(40), 'sha1') ?? zero;
  return { oldOid: kind === 'create' ? zero : before, newOid: kind === 'delete' ? zero : after };
}
