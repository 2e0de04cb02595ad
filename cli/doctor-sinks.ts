// Tries the receivers of the audit log out: whether they can be reached, without sending them entries.
import { asGuardError } from '../core/errors.ts';
import type { SinkSettings } from '../server/config.ts';
import { openSink } from '../server/sinks/open-sink.ts';
import type { Finding } from './doctor-checks.ts';

const patienceMs = 10_000;

/** One finding for a sink. */
export async function checkSink(settings: SinkSettings): Promise<Finding> {
  const what = `sink ${settings.name}`;
  await using sink = openSink(settings, 'forgeguard-doctor');
  try {
    return { grade: 'ok', what, saw: await sink.probe(AbortSignal.timeout(patienceMs)) };
  } catch (thrown) {
    const { message, remedy } = asGuardError(thrown, 'sink/failed', 'something went wrong');
    return { grade: 'fail', what, saw: message, remedy };
  }
}
