// Sends a message to every channel that it concerns. What a channel has taken is remembered, so that the next try goes
// only to those that failed: each is told at least once, and as a rule once.
import { asGuardError, GuardError } from '../../core/errors.ts';
import { compileRepositoryGlobs } from '../../core/glob.ts';
import type { NotificationChannel } from '../config.ts';
import type { Queryable } from '../db.ts';
import { within } from '../deadline.ts';
import type { Channel } from './channel.ts';
import type { Message } from './message.ts';
import { openChannel } from './open-channel.ts';
import { findSent, insertSent } from './store.ts';

export interface FanOut extends AsyncDisposable {
  /** Rejects with `notify/failed` where a channel has not taken it; the others have. */
  send(message: Message, signal: AbortSignal): Promise<void>;
}

interface Receiver {
  readonly settings: NotificationChannel;
  readonly isServed: (repository: string) => boolean;
  readonly channel: Channel;
}

const sendMs = 20_000;

/** Opens the channels. */
export function createFanOut(
  database: Queryable,
  channels: readonly NotificationChannel[],
  domain: string,
): FanOut {
  const receivers = channels.map((settings): Receiver => ({
    settings,
    isServed: compileRepositoryGlobs(settings.repositories),
    channel: openChannel(settings, domain),
  }));

  async function tell({ settings, channel }: Receiver, message: Message, signal: AbortSignal): Promise<void> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(sendMs)]);
    await within(
      channel.send(message, deadline),
      sendMs,
      () => new GuardError('notify/failed', 'the receiver was too slow'),
    );
    await insertSent(database, message.id, settings.name);
  }

  return {
    send: async (message, signal) => {
      const now = Date.now();
      const concerned = receivers.filter((receiver) => concerns(receiver, message, now));
      if (concerned.length === 0) return;
      const sent = await findSent(database, message.id);
      const failures: string[] = [];
      const causes: unknown[] = [];
      await Promise.all(
        concerned
          .filter(({ settings }) => !sent.has(settings.name))
          .map((receiver) =>
            tell(receiver, message, signal).catch((cause: unknown) => {
              const { message: saying } = asGuardError(cause, 'notify/failed', 'something went wrong');
              failures.push(`${receiver.settings.name}: ${saying}`);
              causes.push(cause);
            }),
          ),
      );
      if (failures.length === 0) return;
      const saying = `couldn't tell ${failures.toSorted().join('; ')}`;
      throw new GuardError('notify/failed', saying, { cause: causes[0] });
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(receivers.map(({ channel }) => channel.close()));
    },
  };
}

function concerns({ settings, isServed }: Receiver, message: Message, now: number): boolean {
  const { on, waitingFor } = settings;
  if (message.topic === 'test' || !on.has(message.topic)) return false;
  if (message.repository !== null && !isServed(message.repository)) return false;
  if (waitingFor === 0) return true;
  return message.waitsSince !== null && now - message.waitsSince.getTime() >= waitingFor * 1000;
}
