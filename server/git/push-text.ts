// Ref names and push options are text of the client's too: they are scanned before anything is written down.
import type { ScanService } from '../../core/services.ts';
import type { LocatedFinding } from './located-finding.ts';
import { scanNames } from './masked-names.ts';
import type { ReceivePackRequest } from './receive-pack-request.ts';

export interface ScannedPushText {
  readonly findings: readonly LocatedFinding[];
  /** A ref name as it may be stored. */
  readonly shownRef: (ref: string) => string;
}

/** Scans the ref names and push options of one push. */
export async function scanPushText(
  request: ReceivePackRequest,
  scanner: ScanService,
  signal: AbortSignal,
): Promise<ScannedPushText> {
  const refs = request.commands.map((command) => command.ref);
  const names = await scanNames(refs, scanner, signal);
  const inRefs = names.findings.map(({ name, finding }): LocatedFinding => ({
    finding: { ...finding, path: 'ref name', line: 1, endLine: 1 },
    place: 'ref name',
    commit: undefined,
    ref: names.shown(refs[name] ?? ''),
  }));
  if (request.pushOptions.length === 0) return { findings: inRefs, shownRef: names.shown };
  const bytes = new TextEncoder().encode(request.pushOptions.join('\n'));
  const options = await scanner.scan({ kind: 'message', path: 'push option' }, bytes, signal);
  const inOptions = options.findings.map((finding): LocatedFinding => ({
    finding,
    place: 'push option',
    commit: undefined,
    ref: '',
  }));
  return { findings: [...inRefs, ...inOptions], shownRef: names.shown };
}
