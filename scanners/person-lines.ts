// Which lines name a field of a person. Some names are so short that they stand inside ordinary words (`className`,
// `modelName`, `Adobe`): lines with nothing else are looked at once more, so that few files are read for records.

/** Names that need a boundary in front: none, a sign, or the hump of a camel. */
const shortNames = ['ssn', 'dob', 'mrn', 'lname', 'fname', 'born', 'pat_'];

/** Splits literals of persons' fields into names that are sure and names that need a second look. */
export function splitPersonLiterals(literals: readonly string[]): {
  readonly sure: readonly string[];
  readonly short: readonly string[];
} {
  return {
    sure: literals.filter((literal) => !shortNames.includes(literal)),
    short: literals.filter((literal) => shortNames.includes(literal)),
  };
}

const bounded =
  /(?<![A-Za-z])(?:ssn|dob|mrn|lname|fname|born|pat_)|[a-z](?:Ssn|Dob|Mrn|Lname|LName|Fname|FName|SSN|DOB|MRN|Born)(?![a-z])|(?<![A-Za-z])(?:SSN|DOB|MRN|LNAME|FNAME|BORN|PAT_|Ssn|Dob|Mrn|LName|FName|Lname|Fname|Born|Pat_)/;

/**
 * Start and end of the lines with a field of a person, of quiet lines as the gate gives them (start, end, mask).
 * `all` is the mask of all names of fields, `sure` that of the names that need no second look.
 */
export function personLines(
  view: string,
  quietLines: readonly number[],
  all: number,
  sure: number,
): readonly number[] {
  const lines: number[] = [];
  for (let at = 0; at < quietLines.length; at += 3) {
    const start = quietLines[at] ?? 0;
    const end = quietLines[at + 1] ?? 0;
    const mask = (quietLines[at + 2] ?? 0) & all;
    if (mask === 0) continue;
    if ((mask & sure) !== 0 || bounded.test(view.slice(start, end))) lines.push(start, end);
  }
  return lines;
}
