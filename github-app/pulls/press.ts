// Somebody pressed a button of a check. The webhook says who and which; everything else is asked now.
import { GuardError } from '../../core/errors.ts';
import { decideChange } from './decide.ts';
import { numberOf } from './check-key.ts';
import type { Hub, HubServices } from '../hub.ts';
import { rangeOf } from './look.ts';
import { code } from '../markdown.ts';
import { readPull } from './pull.ts';
import { findCheckOfRun, findChecksOfHead, readCheck, upsertWork, writeNotice } from '../store.ts';
import { type Press, pullWork } from '../work.ts';

/** Does what was asked, notes what became of it for the check, and has the check written. */
export async function handlePress(
  services: HubServices,
  hub: Hub,
  {
    repository,
    delivery,
    press,
    signal,
  }: {
    readonly repository: string;
    readonly delivery: string;
    readonly press: Press;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { database } = services;
  const found =
    (await findCheckOfRun(database, hub.forge, press.run)) ??
    (await findChecksOfHead(database, hub.forge, repository, press.head)).find(isOfPull);
  if (found === undefined || !isOfPull(found)) return;
  const number = numberOf(found.subject);
  const key = { forge: hub.forge, repository, subject: found.subject };
  const known = await readCheck(database, key);
  if (known === undefined) return;
  if (press.identifier !== 'rescan') {
    const notice = await decide(services, hub, known.approval, {
      repository,
      delivery,
      press,
      number,
      signal,
    });
    await writeNotice(database, key, notice);
  }
  const again = pullWork(repository, number, press.identifier === 'rescan');
  const work = await upsertWork(database, { forge: hub.forge, ...again });
  services.wakeUp([work]);
}

const isOfPull = ({ subject }: { readonly subject: string }): boolean => subject.startsWith('pull/');

/** A sentence for the check where the decision does not count; null where it does. */
async function decide(
  services: HubServices,
  hub: Hub,
  id: string | null,
  asked: {
    readonly repository: string;
    readonly delivery: string;
    readonly press: Press;
    readonly number: number;
    readonly signal: AbortSignal;
  },
): Promise<string | null> {
  const { press, repository, number, signal } = asked;
  const who = code(`@${press.login}`);
  const place = { repository, number, signal };
  const approval = id === null ? undefined : await services.approvals.status(id);
  if (approval === undefined) return `${who} pressed a button, and nothing waits for a decision.`;
  const pull = await readPull(hub, place);
  const bound = approval.binding.refUpdates[0]?.newOid;
  if (press.head !== pull.head.sha || bound !== press.head)
    return `${who} decided about commit ${code(press.head.slice(0, 12))}, which is not the newest: nothing was counted.`;
  const scan = await services.changes.scanChange(rangeOf(hub, place, pull), signal);
  try {
    await decideChange(services, hub, approval, {
      place,
      user: { login: press.login, id: press.userId, type: press.isBot ? 'Bot' : 'User' },
      session: `github-press:${asked.delivery}`,
      decision: press.identifier === 'deny' ? 'deny' : 'approve',
      paths: scan.paths.map(({ path }) => path),
    });
    return null;
  } catch (thrown) {
    const isJudgement =
      thrown instanceof GuardError &&
      (thrown.code.startsWith('approval/') || thrown.code === 'identity/forbidden');
    if (!isJudgement) throw thrown;
    return `The decision of ${who} was not counted: ${thrown.message}.`;
  }
}
