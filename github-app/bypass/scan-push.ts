// Scans what a push around the guard has brought, after the fact: through Git and whole files, within the limits of any
// change; then asks the policy what it would have said.
import { z } from 'zod';
import type { AuthorsQuestion, ChangeRange } from '../../core/change-scan.ts';
import { type Oid, parseOid, zeroOid } from '../../core/oid.ts';
import type { Operation, OperationKind, RefUpdateKind } from '../../core/operation.ts';
import type { Principal } from '../../core/principal.ts';
import type { RemoteRefList } from '../../core/services.ts';
import { GithubRefusal } from '../api.ts';
import { type Hub, type HubServices, repositoryId } from '../hub.ts';
import { type Judged, scanSpoken, type Told } from '../pulls/judge-change.ts';
import type { ToldPush } from '../work.ts';
import { isNone } from './explain-push.ts';

export interface ScanQuestion {
  readonly repository: string;
  readonly push: ToldPush;
  readonly actor: Principal;
  readonly kind: OperationKind;
  /** Whether what was there before cannot be had any more: the default branch is compared with. */
  readonly isLost: boolean;
  readonly signal: AbortSignal;
}

export interface ScannedPush {
  readonly judged: Judged;
  /** The commit that the ref leads to. */
  readonly head: Oid;
}

const oidOf = (text: string): Oid | undefined => parseOid(text, text.length === 64 ? 'sha256' : 'sha1');

/** How the ref has changed. */
export function updateKind({ before, after, isForced }: ToldPush): RefUpdateKind {
  if (isNone(after)) return 'delete';
  if (isNone(before)) return 'create';
  return isForced ? 'force' : 'update';
}

/** Undefined where the ref leads to no commit. Rejects as `ChangeScanner.scanChange` and `GithubApi.ask` do. */
export async function scanPush(
  services: HubServices,
  hub: Hub,
  question: ScanQuestion,
): Promise<ScannedPush | undefined> {
  const { repository, push, signal } = question;
  const tag = push.ref.startsWith('refs/tags/') ? await readTag(hub, question) : undefined;
  const head = oidOf(tag === undefined ? push.after : tag.commit);
  if (head === undefined) return undefined;
  const name = `${hub.forge}/${repository}`;
  const remote = await services.refs.refsOf(name, signal);
  const asked = {
    kind: question.kind,
    actor: question.actor,
    repository: repositoryId(hub, repository),
    refUpdates: [
      {
        ref: push.ref,
        oldOid: oidOf(push.before) ?? zeroOid('sha1'),
        newOid: head,
        kind: updateKind(push),
        isDefaultBranch: push.ref === remote.defaultBranch,
      },
    ],
  };
  const range: ChangeRange = {
    repository: name,
    base: baseOf(question, remote),
    head,
    ref: push.ref,
    // GitHub and whoever merges make the commits of a merge.
    authors: question.kind === 'merge' ? undefined : authorsOf(services, asked),
  };
  const [scan, texts] = await Promise.all([
    services.changes.scanChange(range, signal),
    scanSpoken(
      services.scanner,
      tag === undefined ? [] : [{ label: 'tag message', url: null, text: tag.message }],
      signal,
    ),
  ]);
  const told = [
    // All of it has landed, with every commit.
    ...[...scan.introduced, ...scan.earlier].map((found): Told => ({
      ...found,
      label: found.place,
      url: null,
    })),
    ...texts,
  ];
  const operation: Operation = {
    ...asked,
    paths: scan.paths,
    size: scan.size,
    foreignAuthors: scan.foreignAuthors,
    signatures: scan.signatures,
    findings: told.map(({ finding }) => finding),
  };
  const verdict = services.policy.decide(operation, services.clock.now());
  return { judged: { verdict, told, passing: [], scan }, head };
}

function authorsOf(
  { policy }: HubServices,
  asked: Pick<Operation, 'kind' | 'actor' | 'repository' | 'refUpdates'>,
): AuthorsQuestion {
  return {
    actor: asked.actor,
    asksSignatures: (size) => policy.asksAboutSignatures({ ...asked, size, foreignAuthors: [] }).length > 0,
  };
}

/** A new ref, a tag, and what stands on something that is gone are compared with what the default branch reaches. */
function baseOf({ push, isLost }: ScanQuestion, { refs, defaultBranch }: RemoteRefList): Oid | null {
  const isBranch = push.ref.startsWith('refs/heads/');
  const before = isBranch && !isNone(push.before) && !isLost ? oidOf(push.before) : undefined;
  // The default branch itself cannot be compared with what it is now.
  const tip = push.ref === defaultBranch ? undefined : refs.find(({ name }) => name === defaultBranch)?.oid;
  return before ?? tip ?? null;
}

const tagAnswer = z.object({
  message: z.string(),
  tagger: z.object({ name: z.string().nullish(), email: z.string().nullish() }).nullish(),
  object: z.object({ type: z.string(), sha: z.string() }),
});

/** An annotated tag; undefined for one that is a mere name. The commit is empty where it leads to none. */
async function readTag(
  { api }: Hub,
  { repository, push, signal }: ScanQuestion,
): Promise<{ readonly commit: string; readonly message: string } | undefined> {
  try {
    const { message, tagger, object } = await api.ask({
      repository,
      signal,
      route: 'GET /repos/{owner}/{repo}/git/tags/{tag_sha}',
      parameters: { tag_sha: push.after },
      permissions: { contents: 'read' },
      answer: tagAnswer,
    });
    const who = [tagger?.name, tagger?.email].filter((text) => text !== null && text !== undefined).join(' ');
    return { commit: object.type === 'commit' ? object.sha : '', message: `${message}\n\n${who}` };
  } catch (thrown) {
    if (thrown instanceof GithubRefusal && thrown.status === 404) return undefined;
    throw thrown;
  }
}
