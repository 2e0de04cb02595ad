// Lines that the runner of GitHub Actions reads from the output of a step. It takes `::name props::text` at the start of
// a line, after spaces, and `##[name props]text` anywhere in one, so no text from outside is written as it is.
//   command = "::" name [SP prop *("," prop)] "::" data LF        ; data: % CR LF as %25 %0D %0A; props also : and ,

export type CommandName = 'error' | 'warning' | 'notice' | 'group' | 'endgroup';

/** One command as a line; properties that are undefined are left out. */
export function commandLine(
  name: CommandName,
  properties: Readonly<Record<string, string | number | undefined>>,
  text: string,
): string {
  const told = Object.entries(properties).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${escapeProperty(String(value))}`],
  );
  return `::${name}${told.length > 0 ? ` ${told.join(',')}` : ''}::${escapeData(text)}\n`;
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/** A line of the log that the runner takes for nothing else, whatever the text holds. */
export function plainLine(text: string): string {
  const line = text.replaceAll(/[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
  return `${line.replace(/^(\s*):/, '$1\u200b:').replaceAll('##[', '##\u200b[')}\n`;
}
