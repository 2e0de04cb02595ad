// The log of a job as GitHub sends it, taken apart: what the program wrote, and when. Times and marks of GitHub's are no
// part of what is scanned, so that they neither hide a value nor look like one. Everything but the times is untrusted.
//
//   log    = [BOM] *line
//   line   = [time SP] [mark] text LF
//   time   = RFC 3339 in UTC with up to nine digits behind the second
//   mark   = "##[" name "]", such as ##[group] and ##[error]

export interface LogPiece {
  /** Milliseconds since 1970; that of the line before where it has none, 0 where nothing has. Never goes back. */
  readonly at: number;
  readonly mark: string;
  /** What was written, without sequences for a terminal. */
  readonly text: string;
  /** False for a piece of a long line behind which the line goes on. */
  readonly endsLine: boolean;
}

/** Longer lines come in pieces of this many UTF-16 units. */
const longestPiece = 65_536;
const timePattern = /^\uFEFF?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)(?: |$)/;
const markPattern = /^##\[[a-z-]{1,20}\]/;
const terminalPattern = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\^_])/g;
const openSequence = /\u001b(?:\[[0-?]*[ -/]*|\][^\u0007\u001b]{0,200})?$/;
/** A program cannot be long in the future. */
const latestMs = Date.parse('9999-01-01T00:00:00Z');

/** Takes a log apart, batch by batch as it comes; how it is cut into chunks changes nothing but the batches. */
export async function* readLogPieces(source: AsyncIterable<Uint8Array>): AsyncGenerator<readonly LogPiece[]> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const reader = new PieceReader();
  for await (const chunk of source) {
    const pieces = reader.take(decoder.decode(chunk, { stream: true }));
    if (pieces.length > 0) yield pieces;
  }
  const last = [...reader.take(decoder.decode()), ...reader.end()];
  if (last.length > 0) yield last;
}

/** The bytes that are scanned. */
export function textOf(pieces: readonly LogPiece[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(
    Buffer.from(pieces.map(({ text, endsLine }) => (endsLine ? `${text}\n` : text)).join('')),
  );
}

class PieceReader {
  #rest = '';
  #at = 0;
  /** Whether what comes next begins a line. */
  #begins = true;

  take(text: string): readonly LogPiece[] {
    this.#rest += text;
    const pieces: LogPiece[] = [];
    let from = 0;
    for (let end = this.#rest.indexOf('\n'); end >= 0; end = this.#rest.indexOf('\n', from)) {
      from = this.#cutLong(from, end, pieces);
      pieces.push(this.#piece(this.#rest.slice(from, end).replace(/\r$/, ''), true));
      from = end + 1;
    }
    from = this.#cutLong(from, this.#rest.length, pieces);
    this.#rest = this.#rest.slice(from);
    return pieces;
  }

  end(): readonly LogPiece[] {
    return this.#rest === '' ? [] : [this.#piece(this.#rest, true)];
  }

  /** Takes pieces off a line that is too long; where the next one begins. */
  #cutLong(start: number, end: number, pieces: LogPiece[]): number {
    let from = start;
    while (end - from > longestPiece) {
      const cut = from + longestPiece;
      // Neither a character nor a sequence is cut.
      const open = openSequence.exec(this.#rest.slice(cut - 256, cut));
      const low = this.#rest.charCodeAt(cut);
      const back = open === null ? (low >= 0xdc00 && low <= 0xdfff ? 1 : 0) : open[0].length;
      pieces.push(this.#piece(this.#rest.slice(from, cut - back), false));
      from = cut - back;
    }
    return from;
  }

  #piece(written: string, endsLine: boolean): LogPiece {
    let text = written;
    let mark = '';
    if (this.#begins) {
      const time = timePattern.exec(text);
      if (time !== null) {
        const at = Date.parse(time[1] ?? '');
        if (at > this.#at && at < latestMs) this.#at = at;
        text = text.slice(time[0].length);
      }
      mark = text.startsWith('##[') ? (markPattern.exec(text)?.[0] ?? '') : '';
      text = text.slice(mark.length);
    }
    this.#begins = endsLine;
    const plain = text.includes('\u001b') ? text.replaceAll(terminalPattern, '') : text;
    return { at: this.#at, mark, text: plain, endsLine };
  }
}
