// When the lines of a log were written, in memory that does not grow with the log: exact for ordinary logs, of very long
// ones the time of a line a little before.

const mostKept = 65_536;

export class LineTimes {
  #times: number[] = [];
  /** Every so many lines one is kept. */
  #step = 1;
  #lines = 0;

  /** The next line was written then, milliseconds since 1970. */
  add(at: number): void {
    if (this.#lines % this.#step === 0) this.#times.push(at);
    this.#lines += 1;
    if (this.#times.length < mostKept) return;
    this.#times = this.#times.filter((_time, index) => index % 2 === 0);
    this.#step *= 2;
  }

  get lines(): number {
    return this.#lines;
  }

  /** When the line of this number, from 1, was written, or a line before it; undefined where none was. */
  at(line: number): number | undefined {
    return this.#times[Math.min(Math.floor((line - 1) / this.#step), this.#times.length - 1)];
  }
}
