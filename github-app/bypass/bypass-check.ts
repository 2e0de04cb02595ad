// The check on a commit that went around the guard. It has a name of its own: what a pull request with the same commit
// comes to is another question.
import type { CheckContent } from '../pulls/check-content.ts';
import { GithubRefusal } from '../api.ts';
import type { Hub, HubServices } from '../hub.ts';
import { code, oneLine } from '../markdown.ts';
import { publishCheck } from '../pulls/publish.ts';
import { reportOf } from '../pulls/report.ts';
import { readCheck } from '../store.ts';
import type { Bypass, ScanOutcome } from './bypass.ts';

const bypassCheck = 'forgeguard bypass';

/** Writes it where the configuration wants it. A commit that takes no check gets none. */
export async function publishBypass(
  { database }: Pick<HubServices, 'database'>,
  hub: Hub,
  bypass: Bypass,
  ref: string,
  outcome: ScanOutcome,
  signal: AbortSignal,
): Promise<void> {
  const { check } = hub.app.bypass;
  if (check === 'never' || outcome.kind === 'failed') return;
  const { judged, head } = outcome.scanned;
  if (check === 'findings' && judged.told.length === 0) return;
  try {
    const key = { forge: hub.forge, repository: bypass.repository, subject: `bypass/${bypass.request}` };
    const known = await readCheck(database, key);
    await publishCheck(
      { name: bypassCheck, hub, database, key, head, isForced: false, isRetry: false, signal },
      known,
      contentOf(bypass, ref, outcome),
    );
  } catch (thrown) {
    // The entries and the alert are there.
    if (!(thrown instanceof GithubRefusal)) throw thrown;
  }
}

function contentOf(
  bypass: Bypass,
  ref: string,
  { scanned: { judged } }: Extract<ScanOutcome, { readonly kind: 'scanned' }>,
): CheckContent {
  const { by } = bypass.push;
  const who = by === null ? 'Somebody' : `@${oneLine(by.login)}`;
  const report = reportOf({
    judged,
    held: undefined,
    notice: `${code(who)} has changed ${code(ref)} around the guard. This was looked at only afterwards.`,
  });
  const count = judged.told.length;
  const isBad = judged.verdict.kind === 'deny' || judged.verdict.kind === 'redact';
  return {
    ...report,
    conclusion: isBad ? 'failure' : 'neutral',
    title:
      count === 0
        ? 'Pushed around the guard'
        : `Pushed around the guard, with ${count} finding${count === 1 ? '' : 's'}`,
    actions: [],
  };
}
