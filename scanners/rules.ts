// Which pattern rules and format readers run. Order does not matter: overlaps are decided by merge.ts.
import { buildGate, type Gate } from './gate.ts';
import { accessLogRule } from './phi/access-log.ts';
import { delimitedReader } from './phi/delimited.ts';
import { ccdaReader } from './phi/ccda.ts';
import { dicomReader } from './phi/dicom.ts';
import { fhirTurtleReader } from './phi/fhir-turtle.ts';
import { fhirReader } from './phi/fhir.ts';
import { markupReader } from './phi/markup.ts';
import { ncpdpReader } from './phi/ncpdp.ts';
import { printedTableReader } from './phi/printed-table.ts';
import { hl7v2Reader } from './phi/hl7v2.ts';
import { indentedReader } from './phi/indented.ts';
import { literalReader } from './phi/literals.ts';
import { queryStringReader } from './phi/query-string.ts';
import { sqlReader } from './phi/sql.ts';
import { proseReader } from './phi/prose/prose-reader.ts';
import { vcardReader } from './phi/vcard.ts';
import { x12Reader } from './phi/x12.ts';
import { accountRule, contactRule } from './phi/contacts.ts';
import { escapeLiterals } from './escapes.ts';
import { splitPersonLiterals } from './person-lines.ts';
import { clinicalNoteReader } from './phi/clinical-note.ts';
import { personLiterals } from './phi/fields.ts';
import { labelledIdentifierRule } from './phi/labelled-identifiers.ts';
import { labelledNumberRule, medicalRecordRule, ssnRule } from './phi/government-numbers.ts';
import type { FormatReader, PatternRule } from './rule.ts';
import { assignmentRule } from './secrets/assignment.ts';
import { authorizationHeaderRule } from './secrets/authorization-header.ts';
import { awsSecretKeyRule } from './secrets/aws-secret-key.ts';
import { jwtRule } from './secrets/jwt.ts';
import { natsSeedRule } from './secrets/nats-seed.ts';
import { privateKeyRule } from './secrets/private-key.ts';
import { secretlintLiterals } from './secrets/secretlint.ts';
import { statedCredentialRule } from './secrets/stated-credentials.ts';
import { urlPasswordRule } from './secrets/url-password.ts';
import { vendorTokenRule } from './secrets/vendor-tokens.ts';

export const patternRules: readonly PatternRule[] = [
  ssnRule,
  labelledNumberRule,
  medicalRecordRule,
  accountRule,
  contactRule,
  labelledIdentifierRule,
  accessLogRule,
  vendorTokenRule,
  assignmentRule,
  statedCredentialRule,
  privateKeyRule,
  jwtRule,
  urlPasswordRule,
  authorizationHeaderRule,
  awsSecretKeyRule,
  natsSeedRule,
];

const formatReaders: readonly FormatReader[] = [
  dicomReader,
  hl7v2Reader,
  x12Reader,
  ncpdpReader,
  delimitedReader,
  sqlReader,
  fhirReader,
  fhirTurtleReader,
  vcardReader,
  ccdaReader,
  printedTableReader,
  markupReader,
  literalReader,
  queryStringReader,
  indentedReader,
  clinicalNoteReader,
  proseReader,
];

export interface CompiledRules {
  readonly gate: Gate;
  /** The literals that are looked for in clinical documents alone; its bits are the same rules' as in `gate`. */
  readonly clinicalGate: Gate;
  /** Mask of the literals that name fields of a person; they make no line a candidate for a pattern. */
  readonly personMask: number;
  /** The part of it that needs no second look. */
  readonly surePersonMask: number;
  /** Mask of all literals that make no line a candidate for a pattern. */
  readonly quietMask: number;
  /** Mask of the rules that run once over the whole text. */
  readonly textMask: number;
  /** Mask of the lines that hold escapes. */
  readonly escapeMask: number;
  /** Mask of the literals that the caller looks for besides. */
  readonly extraMask: number;
  /** Bit of the lines that secretlint sees. */
  readonly secretlintBit: number;
  /** The readers with the masks of their anchors, 0 where a reader has none. */
  readonly readers: readonly { readonly reader: FormatReader; readonly anchorMask: number }[];
}

/** Builds the gates over all literals, and those of `extra`, which concern no rule. Called once per scanner. */
export function compileRules(extra: readonly string[] = []): CompiledRules {
  const rules = patternRules.length;
  const { sure, short } = splitPersonLiterals(personLiterals);
  const others = [sure, short, secretlintLiterals, escapeLiterals];
  const anchored = formatReaders.filter((reader) => reader.anchors !== undefined);
  const textMask = patternRules.reduce(
    (mask, rule, at) => (rule.scope === 'text' ? mask | (1 << at) : mask),
    0,
  );
  const personMask = 3 << rules;
  const escapeMask = 8 << rules;
  const anchorBit = rules + others.length;
  const anchorMask = ((1 << anchored.length) - 1) << anchorBit;
  const extraMask = extra.length === 0 ? 0 : 1 << (anchorBit + anchored.length);
  const everywhere = patternRules.map(({ within, literals }) => (within === undefined ? literals : []));
  return {
    gate: buildGate([...everywhere, ...others, ...anchored.map(({ anchors }) => anchors ?? []), extra]),
    clinicalGate: buildGate(
      patternRules.map(({ within, literals }) => (within === 'clinical' ? literals : [])),
    ),
    personMask,
    surePersonMask: 1 << rules,
    quietMask: personMask | textMask | escapeMask | anchorMask | extraMask,
    extraMask,
    textMask,
    escapeMask,
    secretlintBit: rules + 2,
    readers: formatReaders.map((reader) => {
      const at = anchored.indexOf(reader);
      return { reader, anchorMask: at < 0 ? 0 : 1 << (anchorBit + at) };
    }),
  };
}
