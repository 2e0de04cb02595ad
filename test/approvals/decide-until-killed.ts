// The entry of a child process: makes a request, approves it, waits until it has landed, and kills itself at the point
// that it was told. Arguments: URL of the database, data directory, point.
import process from 'node:process';
import { openDatabase } from '../../server/db.ts';
import { openApprovalGuard } from '../support/approval-guard.ts';
import { draftOf, person } from '../support/held.ts';

const [url = '', dataDir = '', deadly = ''] = process.argv.slice(2);
const database = await openDatabase(url, { migrate: false });
const { part } = await openApprovalGuard({
  database,
  url,
  dataDir,
  pass: (point) => {
    if (point === deadly) process.kill(process.pid, 'SIGKILL');
  },
});
const { id } = await part.service.request(draftOf());
await part.service.vote(id, person('bob'), 'approve', null);
await part.service.waitFor(id, AbortSignal.timeout(20_000));
process.stdout.write('it was not killed\n');
process.exit(1);
