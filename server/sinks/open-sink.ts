// Which sink is what.
import type { SinkSettings } from '../config.ts';
import { createBucketSink } from './bucket.ts';
import { createFileSink } from './file.ts';
import { createHttpSink } from './http.ts';
import type { Sink } from './sink.ts';
import { createStdoutSink } from './stdout.ts';
import { createSyslogSink } from './syslog.ts';

/** Opens a sink for the log of this name; nothing is connected yet. */
export function openSink(settings: SinkSettings, log: string): Sink {
  switch (settings.kind) {
    case 'syslog':
      return createSyslogSink(settings, log);
    case 'http':
      return createHttpSink(settings, log);
    case 'file':
      return createFileSink(settings, log);
    case 'stdout':
      return createStdoutSink(log);
    case 's3':
      return createBucketSink(settings, log);
  }
}
