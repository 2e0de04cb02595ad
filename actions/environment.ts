// The Action's door to its environment: what the runner gives it. Nothing of it is passed on but what is named.
import process from 'node:process';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables of this process. */
export function runnerEnvironment(): Environment {
  return process.env;
}
