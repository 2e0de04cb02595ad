// Scans an object of any size in bounded memory. Windows are cut at line ends, at places that depend on the content
// alone; readers that keep state carry it over, the others see the end of the last window once more.
import { decode, type Encoding, locate, sniffEncoding } from './decode.ts';
import type { Finding } from './finding.ts';
import { buildFindings } from './finding-builder.ts';
import { enoughHits, type ScanLimits } from './limits.ts';
import { mergeHits } from './merge.ts';
import type { CompiledRules } from './rules.ts';
import type { ScanTarget } from './target.ts';
import { type Carry, scanText } from './text-scan.ts';

export class WindowedScan {
  readonly #rules: CompiledRules;
  readonly #target: ScanTarget;
  readonly #limits: ScanLimits;
  readonly #key: Uint8Array;
  readonly #findings: Finding[] = [];
  /** Findings beyond the cap are only counted. */
  #count = 0;
  /** Bytes that wait for a full window, as they came. */
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #tail: Uint8Array = new Uint8Array(0);
  /** Findings that begin in the tail, so that they are not told twice. */
  #told: ReadonlySet<string> = new Set();
  #encoding: Encoding | undefined;
  #carry: Carry | undefined;
  /** Place of the tail's first byte. */
  #origin = { offset: 0, line: 1, column: 1 };

  constructor(rules: CompiledRules, target: ScanTarget, limits: ScanLimits, key: Uint8Array) {
    this.#rules = rules;
    this.#target = target;
    this.#limits = limits;
    this.#key = key;
  }

  get findings(): readonly Finding[] {
    return this.#findings;
  }

  get count(): number {
    return this.#count;
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#isFull()) return;
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    while (this.#waitingBytes >= this.#limits.windowBytes && !this.#isFull()) {
      const pending = this.#gather();
      this.#encoding ??= sniffEncoding(pending);
      const cut = cutAt(pending, this.#limits.windowBytes, this.#encoding);
      this.#waiting = [pending.subarray(cut)];
      this.#waitingBytes = pending.length - cut;
      await this.#scan(pending.subarray(0, cut));
    }
  }

  async end(): Promise<void> {
    if (this.#waitingBytes === 0 || this.#isFull()) return;
    const pending = this.#gather();
    this.#encoding ??= sniffEncoding(pending);
    await this.#scan(pending);
  }

  #gather(): Buffer {
    const [first, ...others] = this.#waiting;
    this.#waiting = [];
    if (first === undefined) return Buffer.alloc(0);
    if (others.length > 0) return Buffer.concat([first, ...others]);
    return Buffer.from(first.buffer, first.byteOffset, first.byteLength);
  }

  /** One finding too many is told; what follows changes nothing. */
  #isFull(): boolean {
    return this.#count > this.#limits.maxFindings;
  }

  async #scan(window: Uint8Array): Promise<void> {
    const encoding = this.#encoding ?? 'utf-8';
    const bytes = Buffer.concat([this.#tail, window]);
    const from = decode(this.#tail, encoding).bytes.length;
    const decoded = decode(bytes, encoding);
    const { hits, carry } = await scanText(this.#rules, {
      target: this.#target,
      decoded,
      from,
      previous: this.#carry,
      enough: enoughHits(this.#limits),
    });
    this.#carry = carry;
    const origin = { path: this.#target.path, ...this.#origin };
    const merged = mergeHits(hits);
    // Beyond the cap hits are counted and never built: a file full of findings takes no more memory than any other.
    const room = this.#limits.maxFindings - this.#findings.length;
    const built = merged.slice(0, room > 0 ? room + this.#told.size : 0);
    const findings = buildFindings(built, decoded, origin, this.#key);
    this.#count += merged.slice(built.length).filter((hit) => hit.end > from).length;
    const fresh = findings.filter((finding) => !this.#told.has(keyOf(finding)));
    this.#count += fresh.length;
    for (const finding of fresh.slice(0, Math.max(0, this.#limits.maxFindings - this.#findings.length)))
      this.#findings.push(finding);
    this.#keepTail(bytes, decoded, findings);
  }

  #keepTail(bytes: Uint8Array, decoded: ReturnType<typeof decode>, findings: readonly Finding[]): void {
    const start = tailStart(bytes, this.#limits.overlapBytes, decoded.encoding);
    const inView = decode(bytes.subarray(0, start), decoded.encoding).bytes.length;
    const place = locate(decoded, [inView], this.#origin.line, this.#origin.column).get(inView);
    const offset = this.#origin.offset + start;
    this.#told = new Set(findings.filter((finding) => finding.byteEnd > offset).map(keyOf));
    this.#tail = Uint8Array.from(bytes.subarray(start));
    if (place !== undefined) this.#origin = { offset, line: place.line, column: place.column };
  }
}

function keyOf(finding: Finding): string {
  return `${finding.rule} ${finding.byteStart}`;
}

/** Offset behind the last line end within `limit`, or `limit` in a line that is longer. */
function cutAt(bytes: Buffer, limit: number, encoding: Encoding): number {
  const step = encoding === 'utf-8' ? 1 : 2;
  const low = encoding === 'utf-16be' ? 1 : 0;
  for (const end of [10, 13])
    for (let at = limit - step; at >= limit / 2; at -= step)
      if (bytes[at + (step === 2 ? low : 0)] === end && (step === 1 || bytes[at + 1 - low] === 0))
        return at + step;
  return limit - (limit % step);
}

/** Where the overlap begins: at a line start in its first half, else at its size. */
function tailStart(bytes: Uint8Array, overlap: number, encoding: Encoding): number {
  const step = encoding === 'utf-8' ? 1 : 2;
  const earliest = Math.max(0, bytes.length - overlap);
  const first = earliest - (earliest % step);
  if (first === 0) return 0;
  const low = encoding === 'utf-16be' ? 1 : 0;
  for (let at = first; at < bytes.length - overlap / 2; at += step)
    if (bytes[at + (step === 2 ? low : 0)] === 10) return at + step;
  // One long line of JSON: from the middle of a string every quote would be taken for its opposite.
  for (let at = first + 1; at < first + overlap / 2; at += step) if (opensObject(bytes, at)) return at;
  // A cut inside a character would make the tail's columns wrong: go on to the next first byte.
  for (let at = first; at < first + 4; at++) if (((bytes[at] ?? 0) & 0xc0) !== 0x80) return at;
  return first;
}

/** True at `{"` behind a comma, colon or bracket. */
function opensObject(bytes: Uint8Array, at: number): boolean {
  const before = bytes[at - 1];
  return (
    bytes[at] === 0x7b && bytes[at + 1] === 0x22 && (before === 0x2c || before === 0x3a || before === 0x5b)
  );
}
