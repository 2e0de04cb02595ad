// Which Node.js the program runs on: it uses `await using` and runs its TypeScript as it is. cli/launcher.js repeats the
// number, because an older Node.js cannot load this file.

export const oldestNode = 24;

/** True where `version`, such as `22.18.0`, cannot run the program. */
export function isOldNode(version: string): boolean {
  return !(Number.parseInt(version, 10) >= oldestNode);
}

/** One line for whoever started the program with a Node.js that is too old. */
export function describeOldNode(version: string): string {
  return `forgeguard needs Node.js ${oldestNode} or newer and this is ${version}: install it, or start Forgeguard from its directory with npm.\n`;
}
