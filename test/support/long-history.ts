// A long history with merges, in git fast-import's language: many commits, few bytes.

/** `count` commits on `refs/heads/long`: every tenth merges a side branch that left five commits before. */
export function longHistory(count: number): Uint8Array {
  const parts: string[] = [];
  let previous = 0;
  for (let mark = 1; mark <= count; mark += 1) {
    const isSide = mark % 10 === 6;
    const merges = mark % 10 === 0;
    const message = `Change ${mark}\n`;
    const content = `line ${mark}\nline ${mark % 7}\n`;
    parts.push(
      `commit refs/heads/${isSide ? 'side' : 'long'}\nmark :${mark}\n`,
      `author Author ${mark % 13} <author${mark % 13}@example.com> ${1_600_000_000 + mark * 60} +0200\n`,
      `committer Agent <agent@example.com> ${1_600_000_000 + mark * 60} +0000\n`,
      `data ${message.length}\n${message}`,
      previous === 0 ? '' : `from :${isSide ? mark - 5 : previous}\n`,
      merges ? `merge :${mark - 4}\n` : '',
      `M 100644 inline src/part${mark % 40}/file${mark % 9}.txt\ndata ${content.length}\n${content}\n`,
    );
    if (!isSide) previous = mark;
  }
  parts.push('reset refs/heads/side\nfrom 0000000000000000000000000000000000000000\n\n', 'done\n');
  return Buffer.from(parts.join(''));
}
