// What rules and format readers hand to the driver. Offsets are into the "view": the file's UTF-8 bytes as a one-byte
// string, so that an index into the view is a byte offset. Everything in a view is untrusted.
import type { RuleId } from './catalog.ts';

/** A suspicion: which rule, where, how sure. It holds no value; the driver cuts that out to mask and fingerprint it. */
export interface Hit {
  readonly rule: RuleId;
  /** Byte offsets into the view, half open. */
  readonly start: number;
  readonly end: number;
  readonly confidence: number;
  /** Why the value is known to be synthetic; lowers the severity to `low`. */
  readonly synthetic?: string;
  /** Where the value was found, from a fixed vocabulary (`PID-5`), never text of the file. */
  readonly place?: string;
  /** Only a generic guess: kept if the value does not read like natural language or an identifier. */
  readonly unproven?: true;
  /** Confidence, where the value is random beyond doubt: no language has such letters. */
  readonly ifRandom?: number;
}

/** What is known about the document as a whole while its lines are read. */
export interface DocumentContext {
  readonly kind: 'file' | 'message' | 'names';
  readonly path: string;
  /** Lower-case extension without the dot, or an empty string. */
  readonly extension: string;
  readonly binary: boolean;
  /** True for program source, where a literal must be quoted to be a value. */
  readonly source: boolean;
  /** True where a patient record or a clinical vocabulary was recognised. */
  readonly clinical: boolean;
}

/** One candidate line, without its terminator. */
export interface Line {
  readonly view: string;
  /** The bytes of the view. Reading characters one by one is several times as fast from them. */
  readonly bytes: Uint8Array;
  readonly text: string;
  /** Offset of the line's first byte in the view. */
  readonly start: number;
  readonly document: DocumentContext;
}

/** A pattern rule runs only on lines in which one of its literals stands (letters fold case, `0` is any digit). */
export interface PatternRule {
  readonly literals: readonly string[];
  /** `text`: where a literal stands anywhere, the rule runs once over the whole text, as if it were one line. */
  readonly scope?: 'text';
  /** `clinical`: the rule is about clinical documents alone; in others nobody looks for its literals. */
  readonly within?: 'clinical';
  readonly find: (line: Line, emit: (hit: Hit) => void) => void;
}

/** A reader of one format. It reports through `emit` and never throws on malformed input by design of its grammar. */
export interface FormatReader {
  readonly name: string;
  /** True where `carry` holds what the reader knows; others read the overlap in front of a window again. */
  readonly stateful: boolean;
  /** True where records are small: the reader is given only the text around field names of persons, piece by piece. */
  readonly local?: true;
  /** Literals of which at least one stands in whatever the reader can read (written as those of the pattern rules). */
  readonly anchors?: readonly string[];
  /**
   * True where this reader should see the document. `head` is the start of the view; `anchored` is false where none of
   * the reader's anchors stands anywhere in it.
   */
  readonly accepts: (
    head: string,
    document: DocumentContext,
    personKeys: number,
    anchored: boolean,
  ) => boolean;
  /**
   * Reads `view` from `from`. In a windowed scan `carry` is what the previous window returned (undefined at first) and
   * the text in front of `from` was already read; the return value is carried to the next window.
   */
  readonly read: (input: ReaderInput, emit: (hit: Hit) => void) => unknown;
}

export interface ReaderInput {
  readonly view: string;
  readonly from: number;
  readonly document: DocumentContext;
  readonly carry: unknown;
  /** False where none of the reader's anchors stands anywhere in the view. */
  readonly anchored: boolean;
  /** Start and end of the lines with a name of a person's field; undefined where nobody looked for them. */
  readonly persons?: readonly number[];
}
