// The spellings in which a date of birth stands in text.

const months = 'january february march april may june july august september october november december'.split(
  ' ',
);

/** Spellings, in lower case, of a date that is given as `YYYYMMDD…` or `YYYY-MM-DD…`; the text itself otherwise. */
export function dateSpellings(text: string): readonly string[] {
  const match = /^(\d{4})-?(\d{2})-?(\d{2})/.exec(text);
  if (match === null) return [text];
  const [year, month, day] = [match[1] ?? '', match[2] ?? '', match[3] ?? ''];
  const [m, d] = [String(Number(month)), String(Number(day))];
  const name = months[Number(month) - 1];
  if (name === undefined) return [text];
  const short = name.slice(0, 3);
  return [
    ...[`${year}${month}${day}`, `${year}-${month}-${day}`, `${year}/${month}/${day}`],
    ...[`${month}/${day}/${year}`, `${m}/${d}/${year}`, `${month}-${day}-${year}`],
    ...[`${day}.${month}.${year}`, `${day}/${month}/${year}`],
    ...[
      `${name} ${d}, ${year}`,
      `${short} ${d}, ${year}`,
      `${name} ${day}, ${year}`,
      `${short} ${day}, ${year}`,
    ],
    ...[
      `${d} ${name} ${year}`,
      `${d} ${short} ${year}`,
      `${day} ${short} ${year}`,
      `${day}-${short}-${year}`,
    ],
  ];
}
