// What time it is, as far as several clocks agree: a clock that has jumped must not make young entries look old. The
// earliest of them counts. Trusts none of them alone.
import { GuardError } from '../../../core/errors.ts';

export interface Clocks {
  /** This machine's. */
  readonly own: Date;
  readonly database: Date;
  /** The time of the newest entry of the log; undefined for an empty log. */
  readonly newestEntry: Date | undefined;
  /** When a witness or a time stamping authority has last signed a checkpoint; undefined where none has. */
  readonly witnessed: Date | undefined;
  /** The day that a person says it is, from its beginning; undefined where nobody does. */
  readonly told: Date | undefined;
}

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** This machine and its database may differ by this much. */
const ownToleranceMs = 5 * minuteMs;
/** Somebody else must have said within this span what time it is. */
const witnessToleranceMs = 36 * 60 * minuteMs;

function disagree(what: string): GuardError {
  return new GuardError('audit/clock', `nothing was pruned, because the clocks do not agree: ${what}`);
}

function apart(a: Date, b: Date): number {
  return Math.abs(a.getTime() - b.getTime());
}

/** The earliest of the clocks. Throws `audit/clock` where they do not agree, or nobody else says what time it is. */
export function agreedTime({ own, database, newestEntry, witnessed, told }: Clocks): Date {
  const text = own.toISOString();
  if (apart(own, database) > ownToleranceMs) {
    throw disagree(`it is ${text} here and ${database.toISOString()} for the database`);
  }
  if (newestEntry !== undefined && newestEntry.getTime() - own.getTime() > ownToleranceMs) {
    throw disagree(`it is ${text} here, and the newest entry is of ${newestEntry.toISOString()}`);
  }
  if (told !== undefined && Math.floor(told.getTime() / dayMs) !== Math.floor(own.getTime() / dayMs)) {
    throw disagree(`it is ${text} here, and the day that was told is ${told.toISOString().slice(0, 10)}`);
  }
  if (witnessed !== undefined && apart(own, witnessed) > witnessToleranceMs) {
    throw disagree(`it is ${text} here, and a witness has last signed at ${witnessed.toISOString()}`);
  }
  if (witnessed === undefined && told === undefined) {
    throw disagree('only this machine says what time it is; say it as well, with --today and the day (UTC)');
  }
  const times = [own, database, witnessed ?? own].map((time) => time.getTime());
  return new Date(Math.min(...times));
}
