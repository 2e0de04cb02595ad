// The point of a posture that says whether the guard sees the repository at all: where it does not, pushes to it are neither
// noticed nor scanned.
import type { PosturePoint } from '../../core/posture.ts';
import { sightLost } from '../../core/sight.ts';
import { oneLine } from '../markdown.ts';
import type { Unseen } from './posture-store.ts';

export const inSight: PosturePoint = {
  topic: 'sight',
  state: 'ok',
  found: 'The App reaches it, and where its refs stand is compared.',
  change: null,
  link: null,
};

/** `link` is the page of the repository, where it is known. */
export function outOfSight({ since, seenAt, reason, by }: Unseen, link: string | null): PosturePoint {
  const why = sightLost(reason ?? 'unlisted', by === null ? null : oneLine(by));
  return {
    topic: 'sight',
    state: 'to-do',
    found: `The guard no longer sees this repository: ${why}. It was noticed at ${instant(since)}; the last time it was seen was ${instant(seenAt)}.`,
    change:
      'Install the App on it again where it is still in use: until then nobody is told of pushes to it, and nothing of them is scanned.',
    link,
  };
}

const instant = (at: Date): string => `${at.toISOString().slice(0, 16)}Z`;
