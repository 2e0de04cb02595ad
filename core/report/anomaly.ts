// What is unusual about a period of an agent, against its own time before. Each anomaly tells its numbers and how it was
// computed, so that a reader can follow it; none of them is a verdict.
import type { Actor, Period, TraitKind } from '../activity/service.ts';
import type { Anomaly } from './schema.ts';

/** The days before a period that it is compared with. */
export const baselineDays = 90;
/** Attempts that the time before must have for hours of the day to be compared. */
export const leastBaselineAttempts = 50;
/** Days with attempts that the time before must have for volumes to be compared. */
export const leastBaselineDays = 7;
const rareShare = 0.01;
const leastVolume = 20;
const deviations = 6;
/** Refusals within this time, in milliseconds, that are told together. */
const refusalWindowMs = 3_600_000;
const leastRefusals = 5;
const mostNamed = 5;

/** The time before a period that it is compared with. */
export function baselineOf({ from }: Period): Period {
  return { from: new Date(from.getTime() - baselineDays * 86_400_000), to: from };
}

function isWithin(at: Date, { from, to }: Period): boolean {
  return at >= from && at < to;
}

const seenFirst = (what: string): string =>
  `The log has the agent before the period, and ${what} not. Everything in the log since its first entry is looked at.`;

/** Repositories in which an agent that was known before the period appears for the first time. */
export function newRepositories(actor: Actor, period: Period): readonly Anomaly[] {
  if (actor.firstAt >= period.from) return [];
  const known = actor.repositories.filter(({ firstAt }) => firstAt < period.from).length;
  return actor.repositories
    .filter(({ firstAt }) => isWithin(firstAt, period))
    .map(({ repository, firstAt, counts }) => ({
      kind: 'new-repository' as const,
      at: firstAt.toISOString(),
      what: `First time in ${repository}.`,
      numbers: { repositoriesBefore: known, entries: counts.entries },
      how: seenFirst('this repository'),
    }));
}

const traitWords: Readonly<Record<TraitKind, { readonly kind: Anomaly['kind']; readonly words: string }>> = {
  address: { kind: 'new-address', words: 'First time from the address' },
  person: { kind: 'new-person', words: 'First time on behalf of' },
  owner: { kind: 'new-owner', words: 'First time with a credential that is answered for by' },
  issuer: { kind: 'new-issuer', words: 'First time with an identity of' },
};

/** Addresses, people, owners and issuers with which such an agent appears for the first time. */
export function newTraits(actor: Actor, period: Period): readonly Anomaly[] {
  if (actor.firstAt >= period.from) return [];
  return actor.traits
    .filter(({ firstAt }) => isWithin(firstAt, period))
    .map(({ kind, value, firstAt, entries }) => ({
      kind: traitWords[kind].kind,
      at: firstAt.toISOString(),
      what: `${traitWords[kind].words} ${value}.`,
      numbers: {
        knownBefore: actor.traits.filter((trait) => trait.kind === kind && trait.firstAt < period.from)
          .length,
        entries,
      },
      how: seenFirst('this'),
    }));
}

const hourText = (hour: number): string => String(hour % 24).padStart(2, '0');

/** Hours of the day in which the agent hardly ever worked before. Both lists have 24 counts of attempts, UTC. */
export function unusualHours(
  before: readonly number[],
  now: readonly number[],
  period: Period,
): readonly Anomaly[] {
  const all = before.reduce((sum, attempts) => sum + attempts, 0);
  if (all < leastBaselineAttempts) return [];
  return now.flatMap((attempts, hour): readonly Anomaly[] => {
    const earlier = before[hour] ?? 0;
    if (attempts === 0 || earlier / all >= rareShare) return [];
    return [
      {
        kind: 'unusual-hour',
        at: period.from.toISOString(),
        what: `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'} between ${hourText(hour)}:00 and ${hourText(hour + 1)}:00 UTC; of ${all} in the ${baselineDays} days before, ${earlier} were.`,
        numbers: { hour, attempts, before: earlier, allBefore: all },
        how: `An hour of the day with less than ${rareShare * 100} % of the attempts of the ${baselineDays} days before the period, where those are at least ${leastBaselineAttempts}.`,
      },
    ];
  });
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

interface Day {
  readonly day: string;
  readonly attempts: number;
}

/** Days with far more attempts than the agent's days before. */
export function unusualVolumes(before: readonly Day[], now: readonly Day[]): readonly Anomaly[] {
  if (before.length < leastBaselineDays) return [];
  const counts = before.map(({ attempts }) => attempts);
  const median = medianOf(counts);
  const deviation = Math.max(1, 1.4826 * medianOf(counts.map((value) => Math.abs(value - median))));
  const limit = Math.max(leastVolume, Math.ceil(median + deviations * deviation));
  return now
    .filter(({ attempts }) => attempts > limit)
    .map(({ day, attempts }) => ({
      kind: 'unusual-volume' as const,
      at: `${day}T00:00:00.000Z`,
      what: `${attempts} attempts on ${day}; its usual day has ${median}.`,
      numbers: { attempts, median, limit, daysBefore: before.length },
      how: `More than ${leastVolume}, and more than the median plus ${deviations} times the deviation (1.4826 times the median absolute deviation, at least 1) of the ${before.length} days with attempts in the ${baselineDays} days before the period.`,
    }));
}

/** Finds refusals by the policy that come close together; fed in the order of time, in bounded memory. */
export class RefusalRuns {
  readonly #found: Anomaly[] = [];
  #first: Date | undefined;
  #last: Date | undefined;
  #count = 0;
  #repositories = new Set<string>();

  add(at: Date, repository: string | null): void {
    if (this.#last !== undefined && at.getTime() - this.#last.getTime() >= refusalWindowMs) this.#close();
    this.#first ??= at;
    this.#last = at;
    this.#count += 1;
    if (this.#repositories.size < mostNamed) this.#repositories.add(repository ?? 'no repository');
  }

  /** All runs; nothing may be added afterwards. */
  end(): readonly Anomaly[] {
    this.#close();
    return this.#found;
  }

  #close(): void {
    const [first, last] = [this.#first, this.#last];
    if (first !== undefined && last !== undefined && this.#count >= leastRefusals) {
      const minutes = Math.max(1, Math.round((last.getTime() - first.getTime()) / 60_000));
      this.#found.push({
        kind: 'repeated-refusals',
        at: first.toISOString(),
        what: `${this.#count} refusals by the policy within ${minutes} minutes, in ${[...this.#repositories].join(', ')}.`,
        numbers: { refusals: this.#count, minutes },
        how: `${leastRefusals} or more refusals by the policy, each less than an hour behind the one before.`,
      });
    }
    this.#first = undefined;
    this.#last = undefined;
    this.#count = 0;
    this.#repositories = new Set();
  }
}
