// Looks at an artifact of a run: downloads it once, scans each file in it, asks the policy, and keeps the list of its
// files, which is on record before anything is done to the artifact itself.
import { createHash } from 'node:crypto';
import type { ArtifactFile, WorkflowArtifactList } from '../../core/activity/evidence.ts';
import { asGuardError, type ErrorCode, GuardError } from '../../core/errors.ts';
import type { ScanService } from '../../core/services.ts';
import type { Finding } from '../../scanners/finding.ts';
import { scannedState, unscannedState } from './item-record.ts';
import { appendOnce } from './known-items.ts';
import { isAbsent } from './read-log.ts';
import { readZip, type ZipEntry } from './read-zip.ts';
import { identityOf, isTooLate, judgeItem, keyOf, type RunScene, waitedFor } from './run-scene.ts';
import { itemEvent, type ItemIdentity, scannedEvent } from './scanned-event.ts';
import { scanNames } from '../shown-names.ts';
import { type Spooled, spoolDownload } from './spooled-download.ts';
import { locateArtifact, readRun, type WorkflowArtifact } from './workflow-run.ts';
import { insertItem, type ItemState, markKept } from './workflow-store.ts';

interface ScannedFile {
  readonly name: string;
  readonly size: number;
  /** Null where it could not be read. */
  readonly sha256: string | null;
  readonly findings: readonly Finding[];
}

interface ScannedArtifact {
  readonly bytes: number;
  readonly files: readonly ScannedFile[];
}

/** Findings of one artifact; the others are counted with their files. */
const mostFindings = 1_000;
const lookMs = 900_000;
/** Bytes of the list as JSON; a document of evidence has room for them. */
const listBytes = 640 * 1024;

/** An artifact that is not read, or not any more. */
type Unread = ErrorCode | 'gone';

/** What trying again does not mend. */
const lasting: ReadonlySet<ErrorCode> = new Set(['input/invalid', 'git/limit']);

/** Looks at an artifact that nobody has looked at. Rejects where it has to be tried again. */
export async function lookAtArtifact(scene: RunScene, artifact: WorkflowArtifact): Promise<void> {
  const attempt = await attemptOf(scene, artifact);
  const identity = await identityOf(scene, 'artifact', { ...artifact, attempt });
  if (artifact.expired) return remember(scene, artifact, identity, 'absent', null);
  let scanned: ScannedArtifact;
  try {
    scanned = await scanArtifact(scene, artifact);
  } catch (thrown) {
    const why = whyUnread(scene, artifact, thrown);
    if (why === undefined) throw thrown;
    await appendOnce(scene, artifact.id, itemEvent(identity, 'unscanned', { code: why }));
    await remember(scene, artifact, identity, unscannedState(why), null);
    return;
  }
  await record(scene, artifact, identity, scanned);
}

/** The attempt that has left it: GitHub tells those of all attempts together. */
async function attemptOf(
  { hub, place, run }: RunScene,
  { created_at: at }: WorkflowArtifact,
): Promise<number> {
  let ofAttempt = run;
  while (ofAttempt.run_attempt > 1 && at !== null && isBefore(at, ofAttempt.run_started_at))
    ofAttempt = await readRun(hub, place, ofAttempt.run_attempt - 1);
  return ofAttempt.run_attempt;
}

const isBefore = (at: Date, started: Date | undefined): boolean => started !== undefined && at < started;

function whyUnread(scene: RunScene, artifact: WorkflowArtifact, thrown: unknown): Unread | undefined {
  if (isAbsent(thrown)) return 'gone';
  const { code } = asGuardError(thrown, 'internal', "couldn't read an artifact");
  const isLast = isTooLate(scene, artifact.created_at) && !waitedFor.has(code);
  return lasting.has(code) || isLast ? code : undefined;
}

async function scanArtifact(
  { services, hub, place }: RunScene,
  { id, size_in_bytes: size }: WorkflowArtifact,
): Promise<ScannedArtifact> {
  const most = hub.app.workflows.maxArtifactBytes;
  const tooLarge = (): never => {
    throw new GuardError('git/limit', 'an artifact is larger than what is looked at');
  };
  if (size > most) tooLarge();
  const url = await locateArtifact(hub.api, place, id);
  await using spooled = await spoolDownload(services.dataDir, hub.storage.read(url, most, place.signal));
  if (spooled.isCut) tooLarge();
  const late = AbortSignal.timeout(lookMs);
  try {
    const files = await scanFiles(services.scanner, spooled, AbortSignal.any([place.signal, late]));
    return { bytes: spooled.bytes, files };
  } catch (thrown) {
    // It would take as long the next time.
    if (late.aborted && !place.signal.aborted)
      throw new GuardError('git/limit', 'an artifact takes longer than what is waited for', {
        cause: thrown,
      });
    throw thrown;
  }
}

async function scanFiles(
  scanner: Pick<ScanService, 'scanStream'>,
  { file: archive, bytes }: Spooled,
  signal: AbortSignal,
): Promise<readonly ScannedFile[]> {
  const files: ScannedFile[] = [];
  let room = mostFindings;
  for await (const entry of readZip(archive, bytes)) {
    signal.throwIfAborted();
    const file = await scanFile(scanner, entry, signal);
    files.push({ ...file, findings: file.findings.slice(0, Math.max(room, 1)) });
    room -= file.findings.length;
  }
  return files;
}

async function scanFile(
  scanner: Pick<ScanService, 'scanStream'>,
  { name, size, read }: ZipEntry,
  signal: AbortSignal,
): Promise<ScannedFile> {
  if (read === undefined) return { name, size, sha256: null, findings: [] };
  const hash = createHash('sha256');
  let isDamaged = false;
  async function* hashed(open: NonNullable<ZipEntry['read']>): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of await open()) {
        hash.update(chunk);
        yield chunk;
      }
    } catch {
      // What stands before the damage counts, and so do the other files.
      isDamaged = true;
    }
  }
  const { findings } = await scanner.scanStream({ kind: 'file', path: name }, hashed(read), signal);
  return { name, size, sha256: isDamaged ? null : hash.digest('hex'), findings };
}

async function record(
  scene: RunScene,
  artifact: WorkflowArtifact,
  identity: ItemIdentity,
  { bytes, files }: ScannedArtifact,
): Promise<void> {
  const { services, hub, place } = scene;
  const names = await scanNames(
    services.scanner,
    files.map(({ name }) => name),
    'names of files',
    place.signal,
  );
  const shown = (index: number): string => names.shown[index] ?? '';
  // A path of a finding begins with the name of its file, behind which that of an entry in an archive may stand.
  const inFiles = files.flatMap(({ name, findings }, index) =>
    findings.map((one) => ({ ...one, path: one.path === name ? shown(index) : `${shown(index)}!…` })),
  );
  const findings = [...inFiles, ...names.findings];
  const verdict = judgeItem(services, 'artifact', { ...identity, bytes, findings });
  const isHit = verdict.kind !== 'allow';
  const unread = files.filter(({ sha256 }) => sha256 === null).length;
  const since = isHit ? (artifact.created_at ?? services.clock.now()) : null;
  await appendOnce(
    scene,
    artifact.id,
    scannedEvent(identity, {
      verdict,
      findings,
      bytes,
      isCut: unread > 0,
      exposedSince: since,
      fingerprintKey: services.scanner.fingerprintKey,
      catalogDigest: services.scanner.catalogDigest,
      more: {
        files: files.length,
        ...(unread > 0 ? { unreadFiles: unread } : {}),
        willDelete: isHit && hub.app.workflows.artifacts === 'delete',
      },
    }),
  );
  const list = listOf(scene, artifact, identity, {
    bytes,
    files: files.map((file, index) => listed(file, shown(index))),
  });
  const { digest, bytes: size, key } = await services.evidence.keep(list);
  await services.audit.append({
    action: 'evidence.kept',
    request: identity.request,
    actor: identity.actor,
    repository: identity.repository,
    details: { kind: list.kind, digest, bytes: size, key, files: list.files.length, total: list.total },
  });
  await remember(scene, artifact, identity, scannedState(isHit, unread > 0), since);
  await markKept(services.database, keyOf(scene, 'artifact', artifact.id));
}

/** The digest of a file with a value in it would let somebody try values until one fits. */
function listed({ size, sha256, findings }: ScannedFile, path: string): ArtifactFile {
  const telling = findings.filter(({ category }) => category !== 'policy');
  return {
    path,
    size,
    sha256: telling.length === 0 ? sha256 : null,
    findings: findings.length,
    rules: [...new Set(findings.map(({ rule }) => rule))].slice(0, 20),
  };
}

function listOf(
  { place }: RunScene,
  { id }: WorkflowArtifact,
  { request, repository, where }: ItemIdentity,
  { bytes, files }: { readonly bytes: number; readonly files: readonly ArtifactFile[] },
): WorkflowArtifactList {
  let room = listBytes;
  // Files with findings first: they are what is looked for where there is no room for all.
  const sorted = files.toSorted((left, right) => right.findings - left.findings);
  const fitting = sorted.filter((file) => (room -= Buffer.byteLength(JSON.stringify(file)) + 1) > 0);
  return {
    v: 1,
    kind: 'workflow-artifact',
    request,
    repository,
    run: place.run,
    attempt: attemptIn(where),
    artifact: id,
    name: typeof where['title'] === 'string' ? where['title'] : '',
    bytes,
    total: files.length,
    files: fitting,
  };
}

const attemptIn = ({ attempt }: ItemIdentity['where']): number => (typeof attempt === 'number' ? attempt : 1);

async function remember(
  scene: RunScene,
  artifact: WorkflowArtifact,
  { request, where }: ItemIdentity,
  state: ItemState,
  exposedSince: Date | null,
): Promise<void> {
  await insertItem(scene.services.database, {
    ...keyOf(scene, 'artifact', artifact.id),
    repository: scene.place.repository,
    run: scene.place.run,
    attempt: attemptIn(where),
    request,
    state,
    exposedSince,
  });
}
