// From a webhook, whose signature was checked, to the work that it asks for. Only ids, names and refs are read; whatever
// has another shape or is not known asks for nothing.
import { z } from 'zod';
import { pushReaders } from './bypass/push-event.ts';
import { sightReaders } from './bypass/sight-event.ts';
import { type Asked, nothing, reader, type Reader } from './event-reader.ts';
import { pressIdentifiers, pullWork } from './work.ts';
import { workflowReaders } from './workflows/workflow-events.ts';

const repository = z.object({ full_name: z.string().regex(/^[\w.-]{1,100}\/[\w.-]{1,100}$/) });
const pullNumber = z.object({ number: z.int().min(1) });
const oid = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/);
const sender = z.object({ login: z.string().max(200), id: z.int(), type: z.string() });

function pull(name: string, number: number): Asked {
  return { kind: 'work', work: pullWork(name, number, false) };
}

// Empty for pull requests of forks.
const checked = z.object({ head_sha: oid, pull_requests: z.array(pullNumber).max(100).default([]) });

function numbersOf({ pull_requests: pulls }: z.output<typeof checked>): readonly number[] {
  return pulls.map(({ number }) => number);
}

const ofPull = z.object({ repository, pull_request: pullNumber });

/** Every event that the guard acts on. */
const readers: Readonly<Record<string, Reader>> = {
  pull_request: reader(
    ofPull,
    ['opened', 'synchronize', 'reopened', 'edited', 'ready_for_review', 'closed'],
    (payload) => pull(payload.repository.full_name, payload.pull_request.number),
  ),
  pull_request_review: reader(ofPull, ['submitted', 'edited', 'dismissed'], (payload) =>
    pull(payload.repository.full_name, payload.pull_request.number),
  ),
  pull_request_review_comment: reader(ofPull, ['created', 'edited', 'deleted'], (payload) =>
    pull(payload.repository.full_name, payload.pull_request.number),
  ),
  issue_comment: reader(
    z.object({ repository, issue: pullNumber.extend({ pull_request: z.object({}).optional() }) }),
    ['created', 'edited', 'deleted'],
    (payload) =>
      payload.issue.pull_request === undefined
        ? nothing
        : pull(payload.repository.full_name, payload.issue.number),
  ),
  merge_group: reader(
    z.object({
      repository,
      merge_group: z.object({
        head_sha: oid,
        head_ref: z.string().max(1_024),
        base_sha: oid,
        base_ref: z.string().max(1_024),
      }),
    }),
    ['checks_requested'],
    ({ repository: { full_name }, merge_group: group }) => {
      const number = Number(/\/pr-(\d{1,9})-[0-9a-f]+$/.exec(group.head_ref)?.[1] ?? 0);
      const data = {
        head: group.head_sha,
        base: group.base_sha,
        baseRef: group.base_ref,
        number: number > 0 ? number : null,
      };
      return { kind: 'work', work: { kind: 'queue', repository: full_name, subject: data.head, data } };
    },
  ),
  ...pushReaders,
  ...sightReaders,
  ...workflowReaders,
  check_run: (payload, delivery) => {
    const pressed = press(payload, delivery);
    return pressed.kind === 'nothing' ? rerequested(payload, delivery) : pressed;
  },
  check_suite: reader(z.object({ repository, check_suite: checked }), ['rerequested'], (payload) => ({
    kind: 'recheck',
    repository: payload.repository.full_name,
    head: payload.check_suite.head_sha,
    numbers: numbersOf(payload.check_suite),
  })),
};

const rerequested = reader(z.object({ repository, check_run: checked }), ['rerequested'], (payload) => ({
  kind: 'recheck',
  repository: payload.repository.full_name,
  head: payload.check_run.head_sha,
  numbers: numbersOf(payload.check_run),
}));

const press = reader(
  z.object({
    repository,
    check_run: z.object({ id: z.int().min(1), head_sha: oid }),
    requested_action: z.object({ identifier: z.enum(pressIdentifiers) }),
    sender,
  }),
  ['requested_action'],
  (payload, delivery) => ({
    kind: 'work',
    work: {
      kind: 'press',
      repository: payload.repository.full_name,
      subject: delivery,
      data: {
        run: payload.check_run.id,
        head: payload.check_run.head_sha,
        identifier: payload.requested_action.identifier,
        login: payload.sender.login,
        userId: payload.sender.id,
        isBot: payload.sender.type !== 'User',
      },
    },
  }),
);

/** What the event asks for. `delivery` is its id. */
export function askedBy(event: string, payload: unknown, delivery: string): Asked {
  return Object.hasOwn(readers, event) ? (readers[event]?.(payload, delivery) ?? nothing) : nothing;
}
