// Numbers of persons, accounts and devices that need their label in front of them and a valid check digit: alone each
// is one of many numbers of its length.
import type { RuleId } from '../catalog.ts';
import { matchesOf } from '../matches.ts';
import type { PatternRule } from '../rule.ts';
import { luhn } from '../validators/check-digits.ts';
import {
  isCpf,
  isDni,
  isGtin14,
  isNhsNumber,
  isNir,
  isRoutingNumber,
  isSin,
} from '../validators/national-numbers.ts';
import { syntheticNumber } from './synthetic.ts';

interface Labelled {
  readonly rule: RuleId;
  /** The label, what may stand between, and the value as the last group. */
  readonly pattern: RegExp;
  readonly valid: (text: string) => boolean;
  readonly confidence: number;
}

const kinds: readonly Labelled[] = [
  {
    rule: 'phi/national-id',
    pattern: /\bnhs(?:[\s_-]?(?:number|num|no\.?|#|id))?["'\s:=#]{1,6}(\d{3}[ -]?\d{3}[ -]?\d{4})(?!\d)/gi,
    valid: isNhsNumber,
    confidence: 0.92,
  },
  {
    rule: 'phi/national-id',
    pattern: /\b(?:sin|social insurance(?: number| no\.?)?)["'\s:=#]{1,6}(\d{3}([ -])\d{3}\2\d{3})(?!\d)/gi,
    valid: isSin,
    confidence: 0.9,
  },
  {
    rule: 'phi/national-id',
    pattern: /\b(?:dni|nie|nif)["'\s:=#./\xba\xc2n]{1,8}([xyz]?-?\d{7,8}-?[a-z])(?![a-z\d])/gi,
    valid: isDni,
    confidence: 0.92,
  },
  {
    rule: 'phi/national-id',
    pattern: /\bcpf["'\s:=#./\xba\xc2n]{1,8}(\d{3}\.?\d{3}\.?\d{3}-?\d{2})(?!\d)/gi,
    valid: isCpf,
    confidence: 0.92,
  },
  {
    rule: 'phi/national-id',
    pattern:
      /(?:\bnir|s[e\xc3\xa9]{1,2}curit[e\xc3\xa9]{1,2} sociale|\bsecu|\binsee)["'\s:=#]{1,6}([12378] ?\d{2} ?\d{2} ?\d[\dab] ?\d{3} ?\d{3} ?\d{2})(?!\d)/gi,
    valid: isNir,
    confidence: 0.92,
  },
  {
    rule: 'phi/account',
    pattern: /\b(?:routing|aba)[\s_-]?(?:transit[\s_-]?)?(?:number|num|no\.?|#)["'\s:=#]{1,6}(\d{9})(?!\d)/gi,
    valid: isRoutingNumber,
    confidence: 0.75,
  },
  {
    rule: 'phi/device',
    pattern: /\bimei["'\s:=#]{1,6}(\d{2}-?\d{6}-?\d{6}-?\d)(?!\d)/gi,
    valid: (text) => luhn(text.replaceAll('-', '')),
    confidence: 0.75,
  },
];

/** GS1 form of a unique device identifier with a serial number: `(01)GTIN … (21)serial`. */
const udi = /\(01\)(\d{14})(?:\((?:11|17)\)\d{6}|\(10\)[\w./-]{1,20}){0,3}\(21\)[\w./-]{1,20}/g;

export const labelledIdentifierRule: PatternRule = {
  literals: [
    'nhs',
    'social insurance',
    'sin:',
    'sin=',
    'sin"',
    'dni',
    'nie:',
    'nif:',
    'nif ',
    'nif"',
    'cpf',
    'nir:',
    'nir ',
    'nir"',
    'sociale',
    'insee',
    'routing n',
    'routing_n',
    'routingn',
    'routing #',
    'aba n',
    'aba_',
    'imei',
    '(01)0000',
  ],
  find(line, emit) {
    for (const { rule, pattern, valid, confidence } of kinds)
      for (const match of matchesOf(pattern, line.text)) {
        const value = match[1] ?? '';
        if (!valid(value)) continue;
        const start = line.start + match.index + match[0].length - value.length;
        const synthetic = syntheticNumber(value);
        const hit = { rule, start, end: start + value.length, confidence };
        emit(synthetic === undefined ? hit : { ...hit, synthetic });
      }
    for (const match of matchesOf(udi, line.text)) {
      const start = line.start + match.index;
      if (isGtin14(match[1] ?? ''))
        emit({
          rule: 'phi/device',
          start,
          end: start + match[0].length,
          confidence: line.document.source ? 0.7 : 0.87,
        });
    }
  },
};
