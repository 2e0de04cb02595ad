// Which findings fail the step: those that the policy refuses, or those of a category, from a severity on.
//   fail-on = term *("," term)
//   term    = "policy" / "any" / "none" / category / severity / category ":" severity
import { GuardError } from '../core/errors.ts';
import { severities, type Category, type Finding, type Severity } from '../scanners/finding.ts';

interface Term {
  readonly category: Category | undefined;
  /** The least severity. */
  readonly severity: Severity;
}

export interface FailOn {
  /** True where what the policy denies or holds fails. */
  readonly policy: boolean;
  readonly terms: readonly Term[];
}

const categories: readonly Category[] = ['phi', 'secret', 'policy'];
const content: readonly Category[] = ['phi', 'secret'];
const least: Severity = severities[0];

/** Reads the input. Throws `GuardError` `input/invalid` for a term that is none. */
export function readFailOn(text: string): FailOn {
  const words = text.split(',').map((word) => word.trim().toLowerCase());
  if (words.length > 1 && words.includes('none'))
    throw new GuardError('input/invalid', 'fail-on: `none` stands alone');
  return { policy: words.includes('policy'), terms: words.flatMap(readTerm) };
}

function readTerm(word: string): readonly Term[] {
  if (word === 'policy' || word === 'none') return [];
  if (word === 'any') return [{ category: undefined, severity: least }];
  const [first, second] = word.split(':');
  const severity = severities.find((known) => known === (second ?? first));
  // `policy` alone is the policy's judgement; findings of that category are meant by `policy:low` and the like.
  const category = (second === undefined ? content : categories).find((known) => known === first);
  if (second === undefined && severity !== undefined) return [{ category: undefined, severity }];
  if (category !== undefined && (second === undefined || severity !== undefined))
    return [{ category, severity: severity ?? least }];
  throw new GuardError(
    'input/invalid',
    'fail-on: expected `policy`, `any`, `none`, or a list of categories (phi, secret), severities (low, medium, ' +
      'high, critical) and pairs such as `phi:high`',
  );
}

/** True where a term names the finding. */
export function isNamed({ terms }: FailOn, { category, severity }: Finding): boolean {
  return terms.some(
    (term) =>
      (term.category ?? category) === category &&
      severities.indexOf(severity) >= severities.indexOf(term.severity),
  );
}
