// Tries the channels of notifications out, with a message that says so. Only when it is asked for: people get it.
import { asGuardError } from '../core/errors.ts';
import type { NotificationChannel } from '../server/config.ts';
import { openChannel } from '../server/notify/open-channel.ts';
import { testMessage } from '../server/notify/test-message.ts';
import type { Finding } from './doctor-checks.ts';

const patienceMs = 15_000;

/** Sends a test message. */
export async function checkNotification(settings: NotificationChannel): Promise<Finding> {
  const what = `notification ${settings.name}`;
  const channel = openChannel(settings, 'forgeguard.invalid');
  try {
    await channel.send(testMessage(new Date()), AbortSignal.timeout(patienceMs));
    return { grade: 'ok', what, saw: 'the receiver has taken a test message' };
  } catch (thrown) {
    const { message, remedy } = asGuardError(thrown, 'notify/failed', 'something went wrong');
    return { grade: 'fail', what, saw: message, remedy };
  } finally {
    await channel.close();
  }
}
