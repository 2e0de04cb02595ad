// How sure it is whose push it was. GitHub names the account whose credential was used, in a webhook that it signs or in its
// list of activities; who that account is, the configuration says.
import { type Attribution, attribution, type SeenPusher } from '../../core/activity/bypass.ts';
import type { Hub } from '../hub.ts';
import { agentsOf } from '../people.ts';
import type { ToldPush } from '../work.ts';

/** `deployKeys` are those that may write and were used at about that time; undefined where that could not be read. */
export function attributionOf(
  hub: Pick<Hub, 'app'>,
  { by, pusher }: Pick<ToldPush, 'by' | 'pusher'>,
  isOwnApp: boolean,
  deployKeys: readonly number[] | undefined,
): Attribution {
  if (by === null) return attribution({ by: 'nobody', doubts: [] });
  const doubts: SeenPusher['doubts'] = [
    // A deploy key acts in the name of the person who has added it, never in that of an App.
    ...(by.type === 'Bot' ? [] : keyDoubts(deployKeys)),
    ...(pusher === null ? [] : (['pusher'] as const)),
  ];
  return attribution({ by: isOwnApp ? 'own-app' : basisOf(hub, by), doubts });
}

function keyDoubts(deployKeys: readonly number[] | undefined): SeenPusher['doubts'] {
  if (deployKeys === undefined) return ['deploy-keys-unread'];
  return deployKeys.length === 0 ? [] : ['deploy-key'];
}

function basisOf(hub: Pick<Hub, 'app'>, { login, type }: NonNullable<ToldPush['by']>): SeenPusher['by'] {
  if (agentsOf(hub, login).length > 0) return 'agents';
  if (type === 'Bot') return 'bot';
  return hub.app.people.has(login.toLowerCase()) ? 'people' : 'login';
}
