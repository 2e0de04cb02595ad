// The official schema of SARIF 2.1.0 (errata 01), as OASIS publishes it beside the standard, formatting aside.
// Copyright © OASIS Open 2023. All Rights Reserved. It may be copied and furnished to others with this notice; see
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html, appendix "Notices".
import Ajv from 'ajv-draft-04';
import formats from 'ajv-formats';
import schema from './sarif-schema-2.1.0.json' with { type: 'json' };

/** What is wrong with a SARIF log by the schema; empty where nothing is. */
export function sarifProblems(log: unknown): readonly string[] {
  const ajv = new Ajv.default({ strict: false, allErrors: true });
  formats.default(ajv);
  const validate = ajv.compile(schema);
  if (validate(log)) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message ?? ''}`);
}
