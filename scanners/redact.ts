// Redaction of streams: bytes in, the same number of bytes out, values hidden under asterisks. Lines keep their length
// and place. What comes out depends on the bytes alone, never on how they were split; redacting it again changes nothing.
import type { RuleId } from './catalog.ts';
import { type Encoding, sniffEncoding } from './decode.ts';
import { hideSpans } from './redact/hide.ts';
import { islandLiterals } from './redact/islands.ts';
import { judgeSegment, type Measure } from './redact/judge-segment.ts';
import { cutLines, cutSegment, keptBytes, segmentBytes } from './redact/segments.ts';
import { compileRules, type CompiledRules } from './rules.ts';
import type { Carry } from './text-scan.ts';

export interface RedactOptions {
  /** Name of what is redacted; its extension is a hint to the format. Default `output.log`. */
  readonly path?: string;
  /** Least confidence of what is hidden, 0 to 1. Default 0.6. */
  readonly confidence?: number;
}

export interface Redactor {
  /** Takes the next bytes and returns what can be passed on. The bytes must not be changed until they came out. */
  write(chunk: Uint8Array): Promise<readonly Uint8Array[]>;
  /**
   * Passes on all whole lines that are held. For streams that pause: a record that is cut in two by the pause is judged
   * in two parts.
   */
  flush(): Promise<readonly Uint8Array[]>;
  /** The beginning of a line that is held, undefined where there is none or something in it would be hidden. */
  peek(): Promise<Uint8Array | undefined>;
  /** Passes on the rest. */
  end(): Promise<readonly Uint8Array[]>;
  /** How many values were hidden so far, by rule. */
  readonly counts: ReadonlyMap<RuleId, number>;
}

const defaultConfidence = 0.6;
/** Hiding one value may bring out another, never for long. */
const mostRounds = 8;
/** Longer beginnings of lines are no prompts. */
const longestPeek = 256;
const lineFeed = 0x0a;

let compiled: CompiledRules | undefined;

/** Makes a redactor for one stream. At most two segments of half a megabyte are held. */
export function createRedactor(options: RedactOptions = {}): Redactor {
  return new StreamRedactor(options);
}

/** Redacts a source of any length. */
export async function* redactStream(
  source: AsyncIterable<Uint8Array>,
  redactor: Redactor,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) yield* await redactor.write(chunk);
  yield* await redactor.end();
}

class StreamRedactor implements Redactor {
  readonly #rules = (compiled ??= compileRules(islandLiterals));
  readonly #target: { readonly kind: 'file'; readonly path: string };
  readonly #confidence: number;
  readonly #counts = new Map<RuleId, number>();
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #encoding: Encoding | undefined;
  #carry: Carry | undefined;

  constructor({ path = 'output.log', confidence = defaultConfidence }: RedactOptions) {
    this.#target = { kind: 'file', path };
    this.#confidence = confidence;
  }

  get counts(): ReadonlyMap<RuleId, number> {
    return this.#counts;
  }

  async write(chunk: Uint8Array): Promise<readonly Uint8Array[]> {
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    const done: Uint8Array[] = [];
    if (this.#waitingBytes < segmentBytes) return done;
    let rest = this.#gather();
    while (rest.length >= segmentBytes) {
      this.#encoding ??= sniffEncoding(rest.subarray(0, segmentBytes));
      const cut = cutSegment(rest.subarray(0, segmentBytes), this.#encoding);
      done.push(await this.#redact(rest.subarray(0, cut)));
      rest = rest.subarray(cut);
    }
    this.#hold(rest);
    return done;
  }

  async flush(): Promise<readonly Uint8Array[]> {
    const all = this.#gather();
    const cut = cutLines(all);
    this.#hold(all.subarray(cut));
    return cut === 0 ? [] : [await this.#redact(all.subarray(0, cut))];
  }

  async peek(): Promise<Uint8Array | undefined> {
    const line = this.#gather();
    this.#hold(line);
    if (line.length === 0 || line.length > longestPeek || line.includes(lineFeed)) return undefined;
    const { spans } = await judgeSegment(this.#measure(line), line, this.#carry);
    return spans.length === 0 ? line : undefined;
  }

  async end(): Promise<readonly Uint8Array[]> {
    const rest = this.#gather();
    return rest.length === 0 ? [] : [await this.#redact(rest)];
  }

  #hold(rest: Uint8Array): void {
    this.#waiting = rest.length === 0 ? [] : [rest];
    this.#waitingBytes = rest.length;
  }

  #gather(): Uint8Array {
    const [first, ...others] = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (first === undefined) return new Uint8Array(0);
    return others.length === 0 ? first : Buffer.concat([first, ...others]);
  }

  #measure(segment: Uint8Array): Measure {
    const encoding = this.#encoding ?? sniffEncoding(segment);
    return { rules: this.#rules, target: this.#target, encoding, confidence: this.#confidence };
  }

  /** Hides until nothing is found any more: what is left is what a second redaction would leave. */
  async #redact(segment: Uint8Array): Promise<Uint8Array> {
    const measure = this.#measure(segment);
    this.#encoding = measure.encoding;
    const carry = this.#carry;
    let judged = await judgeSegment(measure, segment, carry);
    this.#carry = judged.carry;
    if (judged.spans.length === 0) return segment;
    const kept = measure.encoding === 'utf-8' ? keptBytes(segment) : () => false;
    let shown = segment;
    for (let round = 0; round < mostRounds; round++) {
      const hidden = hideSpans(shown, judged.spans, measure.encoding, kept);
      if (hidden === undefined) break;
      for (const rule of judged.rules) this.#counts.set(rule, (this.#counts.get(rule) ?? 0) + 1);
      shown = hidden;
      judged = await judgeSegment(measure, shown, carry, judged);
    }
    return shown;
  }
}
