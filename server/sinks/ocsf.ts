// Items as events of the Open Cybersecurity Schema Framework, version 1.8.0. An event brings the entry's bytes along as
// `raw_data` and its leaf hash as `unmapped.leaf`, so that the receiver can prove it. The profile `ai_operation` is not
// used: in this version it wants a model's name and provider, which the log does not know.
import { isIP } from 'node:net';
import { z } from 'zod';
import type { AuditEntry } from '../../core/audit-entry.ts';
import type { Json } from '../../core/audit-event.ts';
import { base64 } from '../../core/base64.ts';
import type { Principal } from '../../core/principal.ts';
import { recordText, type ShippedItem } from '../../core/shipped-record.ts';
import { version } from '../version.ts';
import { type OcsfClass, ocsfClasses, ocsfKindOf, ocsfVersion } from './ocsf-class.ts';
import { sentenceOf } from './sentence.ts';
import { type Severity, severityOf } from './severity.ts';

type Event = Readonly<Record<string, unknown>>;

const severities: Readonly<Record<Severity, number>> = {
  informational: 1,
  low: 2,
  medium: 3,
  high: 4,
  critical: 5,
};
/** `status_id` by the last word of an action: success is 1, failure 2, unknown 0. */
const statuses: Readonly<Record<string, number>> = {
  refused: 2,
  failed: 2,
  forbidden: 2,
  denied: 2,
  expired: 2,
  unknown: 0,
};
/** `action_id` and `disposition_id` of a verdict. */
const controls: Readonly<Record<string, readonly [action: number, disposition: number]>> = {
  allow: [1, 1],
  deny: [2, 2],
  hold: [2, 3],
};
const product = { name: 'Forgeguard', vendor_name: 'Forgeguard', version };

const found = z.object({
  findings: z.array(
    z.object({ identifier: z.string().nullish(), rule: z.string(), path: z.string().nullish().catch(null) }),
  ),
});

function text(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Leaves out what is undefined. */
function dense(event: Event): Event {
  return Object.fromEntries(Object.entries(event).filter(([, value]) => value !== undefined));
}

function userOf({ kind, id, subject, groups }: Principal): Event {
  return {
    uid: id,
    name: subject,
    ...(kind === 'human' ? { type_id: 1 } : { type_id: 99, type: kind }),
    groups: groups.map((name) => ({ name })),
  };
}

function actorOf(actor: Principal | null): Event {
  if (actor === null) return { app_name: product.name };
  return { user: userOf(actor), session: { uid: actor.session, issuer: actor.issuer } };
}

function sourceOf({ actor, details }: AuditEntry): Event {
  const address = text(details['address']) ?? '';
  if (isIP(address) !== 0) return { ip: address };
  return actor === null ? { name: 'forgeguard' } : { uid: actor.session };
}

/** What a class wants besides what all have. */
const members: Readonly<Record<OcsfClass, (entry: AuditEntry, uid: string) => Event>> = {
  api: (entry) => ({
    actor: actorOf(entry.actor),
    api: { operation: entry.action, request: { uid: entry.request }, service: { name: 'forgeguard' } },
    src_endpoint: sourceOf(entry),
    resources: resourcesOf(entry),
  }),
  authentication: (entry) => ({
    user: entry.actor === null ? { uid: text(entry.details['token']) ?? 'unknown' } : userOf(entry.actor),
    service: { name: 'forgeguard' },
    src_endpoint: sourceOf(entry),
  }),
  access: ({ details, actor }) => ({
    actor: actorOf(actor),
    user: {
      uid: text(details['principal']) ?? 'unknown',
      credential_uid: text(details['token']) ?? 'unknown',
    },
    privileges: privilegesOf(details['scopes']),
  }),
  entity: (entry) => ({
    actor: actorOf(entry.actor),
    entity: {
      uid: text(entry.details['approval']) ?? text(entry.details['digest']) ?? entry.request,
      type: entry.action.slice(0, entry.action.indexOf('.')),
      type_id: 99,
    },
    comment: text(entry.details['comment']) ?? text(entry.details['reason']),
  }),
  lifecycle: () => ({ app: product }),
  finding: (entry, uid) => {
    const { findings } = found.safeParse(entry.details).data ?? { findings: [] };
    const types = [...new Set(findings.map(({ identifier, rule }) => identifier ?? rule))];
    const [first] = findings;
    const policy = text(entry.details['policyDigest']);
    return {
      actor: actorOf(entry.actor),
      finding_info: { uid, title: 'Sensitive data in a change', types, created_time: Date.parse(entry.time) },
      data_security: {
        detection_system_id: 99,
        detection_system: 'Forgeguard',
        policy: policy && { uid: policy },
      },
      file: fileOf(first?.path),
      resources: resourcesOf(entry),
    };
  },
};

/** None where the path is sealed. */
function fileOf(path: string | null | undefined): Event | undefined {
  if (path === null || path === undefined) return undefined;
  return { name: path.slice(path.lastIndexOf('/') + 1) || '-', path, type_id: 1 };
}

function resourcesOf({ repository }: AuditEntry): readonly Event[] | undefined {
  return repository === null ? undefined : [{ uid: repository, name: repository, type: 'repository' }];
}

function privilegesOf(scopes: Json | undefined): readonly string[] {
  if (!Array.isArray(scopes)) return [];
  return scopes.map((scope: Json) => (typeof scope === 'string' ? scope : JSON.stringify(scope)));
}

function envelope(of: OcsfClass, activity: number, time: number, severity: number, metadata: Event): Event {
  const { uid, category } = ocsfClasses[of];
  return {
    category_uid: category,
    class_uid: uid,
    activity_id: activity,
    ...(activity === 99 ? { activity_name: 'Other' } : {}),
    type_uid: uid * 100 + activity,
    time,
    severity_id: severity,
    metadata: { version: ocsfVersion, product, ...metadata },
  };
}

function controlOf({ action, details }: AuditEntry): Event {
  const verdict = action.endsWith('.decided') ? text(details['verdict']) : undefined;
  if (verdict === undefined) return {};
  const [action_id, disposition_id] = controls[verdict] ?? [99, 99];
  return { action_id, disposition_id, action: verdict, disposition: verdict };
}

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== 'object' || value === null) return value;
  return dense(
    Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withoutUndefined(member)])),
  );
}

/** One event, as it goes into a JSON array. */
export function ocsfEvent(log: string, item: ShippedItem, now: Date): unknown {
  if (item.kind !== 'entry') {
    const at = item.kind === 'checkpoint' ? item.size : item.from;
    const metadata = { log_name: log, uid: `${log}/${item.kind}/${at}`, event_code: `audit.${item.kind}` };
    return {
      ...envelope('lifecycle', 99, now.getTime(), severities.informational, metadata),
      app: product,
      message: item.kind,
      unmapped: { record: recordText(log, item) },
    };
  }
  const { entry, seq, leaf, body } = item;
  const { of, activity } = ocsfKindOf(entry);
  const uid = `${log}/${seq}`;
  const control = controlOf(entry);
  const status = statuses[entry.action.slice(entry.action.search(/[.-][a-z]+$/) + 1)] ?? 1;
  return withoutUndefined({
    ...envelope(of, activity, Date.parse(entry.time), severities[severityOf(entry)], {
      uid,
      sequence: seq,
      log_name: log,
      event_code: entry.action,
      correlation_uid: entry.request,
      original_time: entry.time,
      ...('action_id' in control ? { profiles: ['security_control'] } : {}),
    }),
    message: sentenceOf(entry),
    status_id: status,
    status_code: text(entry.details['code']),
    ...control,
    ...members[of](entry, uid),
    raw_data: Buffer.from(body).toString('utf8'),
    unmapped: { leaf: base64(leaf), log, seq, on_behalf_of: entry.actor?.onBehalfOf },
  });
}
