// secretlint's rules for vendors that the table of our own does not cover. It is slow, so it sees only lines in which
// one of its literals stands. Its profiler keeps every mark for ever and is switched off; its comments that switch
// rules off are not obeyed: what is scanned does not decide whether it is scanned.
import type { Hit } from '../rule.ts';

/** Prefixes of the tokens that secretlint knows and vendor-tokens.ts does not. */
export const secretlintLiterals: readonly string[] = [
  ...[
    'gsk_',
    'lin_api_',
    'ntn_',
    'secret_',
    'ops_ey',
    'vcp_',
    'vci_',
    'vca_',
    'vcr_',
    'vck_',
    'dapi',
    'figd_',
    'cfk_',
  ],
  ...['cfut_', 'cfat_', 'tskey-', 'glc_', 'glsa_', 'eyjrijoi', '_authtoken', 'hvs.', 'hvb.', 'hvr.'],
];

/** Rules left out: ours know more about these, and one obeys comments in the scanned text. */
const disabled = ['filter-comments', 'basicauth', 'privatekey', 'database-connection-string'].map((name) => ({
  id: `@secretlint/secretlint-rule-${name}`,
  disabled: true,
}));

export type Lint = (text: string) => Promise<readonly { readonly start: number; readonly end: number }[]>;

let linter: Promise<Lint> | undefined;

/** Loads secretlint, once. */
export function loadSecretlint(): Promise<Lint> {
  return (linter ??= load());
}

async function load(): Promise<Lint> {
  const [{ lintSource }, { creator }, { secretLintProfiler }] = await Promise.all([
    import('@secretlint/core'),
    import('@secretlint/secretlint-rule-preset-recommend'),
    import('@secretlint/profiler'),
  ]);
  secretLintProfiler.setEnabled(false);
  const config = {
    rules: [{ id: '@secretlint/secretlint-rule-preset-recommend', rule: creator, rules: disabled }],
  };
  return async (text) => {
    const result = await lintSource({
      source: { filePath: 'content.txt', content: text, contentType: 'text', ext: '.txt' },
      options: { config, noPhysicFilePath: true },
    });
    return result.messages.map(({ range }) => ({ start: range[0], end: range[1] }));
  };
}

/** Lints candidate lines of a view, given as offset pairs. */
export async function lintLines(
  view: string,
  lines: readonly (readonly [number, number])[],
): Promise<readonly Hit[]> {
  const lint = await loadSecretlint();
  const text = lines.map(([start, end]) => view.slice(start, end)).join('\n');
  const hits: Hit[] = [];
  for (const found of await lint(text)) {
    // Which of the joined lines the finding begins in.
    let offset = found.start;
    for (const [start, end] of lines) {
      const length = end - start;
      if (offset < length) {
        const stop = Math.min(end, start + offset + found.end - found.start);
        hits.push({ rule: 'secret/known-format', start: start + offset, end: stop, confidence: 0.9 });
        break;
      }
      offset -= length + 1;
    }
  }
  return hits;
}
