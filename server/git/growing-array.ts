// A typed array that grows by doubling: millions of small numbers without an object each.

/** Append-only list of 32-bit signed integers. */
export class GrowingInt32Array {
  #data = new Int32Array(256);
  length = 0;

  push(value: number): void {
    if (this.length === this.#data.length) {
      const larger = new Int32Array(this.#data.length * 2);
      larger.set(this.#data);
      this.#data = larger;
    }
    this.#data[this.length] = value;
    this.length += 1;
  }

  at(index: number): number {
    return this.#data[index] ?? -1;
  }
}
