// Which pattern rules and format readers run. Order does not matter: overlaps are decided by merge.ts.
import { buildGate, type Gate } from './gate.ts';
import { labelledNumberRule, ssnRule } from './phi/government-numbers.ts';
import type { FormatReader, PatternRule } from './rule.ts';
import { vendorTokenRule } from './secrets/vendor-tokens.ts';

export const patternRules: readonly PatternRule[] = [ssnRule, labelledNumberRule, vendorTokenRule];

export const formatReaders: readonly FormatReader[] = [];

export interface CompiledRules {
  readonly gate: Gate;
  /** Bit of the literals that name fields of a person; they only count, they make no line a candidate. */
  readonly personBit: number;
}

/** Builds the gate over all literals. Called once per scanner. */
export function compileRules(personLiterals: readonly string[]): CompiledRules {
  const gate = buildGate([...patternRules.map((rule) => rule.literals), personLiterals]);
  return { gate, personBit: patternRules.length };
}
