// How to take a value out of a push, or make its commits one's own: in which commit it is decides what is rewritten.
import type { LocatedFinding } from './located-finding.ts';

/** Lines of advice for these findings. `tips` are the new values of the pushed refs. */
export function howToRewrite(
  findings: readonly LocatedFinding[],
  tips: readonly string[],
): readonly string[] {
  const values = findings.filter(({ finding }) => !isAboutAuthors(finding.rule));
  const others = findings.filter(({ finding }) => isAboutAuthors(finding.rule));
  return [...howToTakeOut(values, tips), ...howToMakeOwn(others, tips)];
}

function commitsOf(findings: readonly LocatedFinding[]): readonly string[] {
  return [...new Set(findings.filter(isInCommit).map((found) => found.commit))].filter(
    (oid) => oid !== undefined,
  );
}

function howToTakeOut(findings: readonly LocatedFinding[], tips: readonly string[]): readonly string[] {
  if (findings.length === 0) return [];
  const commits = commitsOf(findings);
  const older = commits.filter((commit) => !tips.includes(commit));
  return [
    ...(commits.length > 0 && older.length === 0 ? tipAdvice : []),
    ...(older.length > 0 ? olderAdvice(older) : []),
    ...otherAdvice
      .filter(({ place }) => findings.some((found) => found.place === place))
      .map(({ advice }) => `  ${advice}`),
    '  Synthetic values are fine: see the documentation of detection for those that are known as such.',
    '  Was this no such value? Ask the policy owner for an exception by its fingerprint; -o forgeguard.format=json shows it.',
  ];
}

const aboutAuthors: readonly { readonly rule: string; readonly advice: readonly string[] }[] = [
  {
    rule: 'policy/author-mismatch',
    advice: [
      '  Commits that other people made, and that the upstream has not, are theirs to push.',
      '  Commits of your own bear your own name and address:',
      '    git config user.email ADDRESS && git config user.name NAME',
    ],
  },
  {
    rule: 'policy/forged-trailer',
    advice: [
      '  Name yourself and the one for whom you act, or leave the trailer out: git commit --amend',
      '    (`forgeguard trailers --hook` prints a hook that adds the right ones)',
    ],
  },
  {
    rule: 'policy/bad-signature',
    advice: [
      '  Sign again after the last change: git commit --amend --no-edit -S, or git tag --force -s for a tag.',
    ],
  },
];

function isAboutAuthors(rule: string): boolean {
  return aboutAuthors.some((entry) => entry.rule === rule);
}

function howToMakeOwn(findings: readonly LocatedFinding[], tips: readonly string[]): readonly string[] {
  const named = aboutAuthors.filter(({ rule }) => findings.some(({ finding }) => finding.rule === rule));
  const mismatched = findings.filter(({ finding }) => finding.rule === 'policy/author-mismatch');
  const commits = commitsOf(mismatched.filter(({ place }) => place !== 'tagger line'));
  const [first] = commits.filter((commit) => !tips.includes(commit));
  return [
    ...named.flatMap(({ advice }) => advice),
    ...(commits.length > 0 && first === undefined
      ? ['    git commit --amend --no-edit --reset-author      # the last commit']
      : []),
    ...(first === undefined
      ? []
      : [
          `    git rebase ${first.slice(0, 12)}^ --exec 'git commit --amend --no-edit --reset-author'   # from the first of them on; --root in place of the id if it is the first commit of all`,
        ]),
    ...(mismatched.some(({ place }) => place === 'tagger line')
      ? ['    git tag --force --annotate NAME      # makes the tag again in your name']
      : []),
  ];
}

function isInCommit(found: LocatedFinding): boolean {
  return found.commit !== undefined && found.place !== 'tag message';
}

const tipAdvice: readonly string[] = [
  '  Change the file or message, then replace the last commit and push again:',
  '    git commit --all --amend',
];

function olderAdvice(commits: readonly string[]): readonly string[] {
  const [first = '', ...others] = commits.map((commit) => commit.slice(0, 12));
  return [
    `  The value is in the history of the push (${[first, ...others].slice(0, 5).join(', ')}${others.length > 4 ? ', …' : ''}).`,
    '  A new commit on top does not take it out; rewrite the commit that holds it:',
    `    git rebase --interactive ${first}^      # --root if it is the first commit; mark it "edit"`,
    '    # remove the value, then: git commit --all --amend && git rebase --continue',
  ];
}

const otherAdvice: readonly { readonly place: LocatedFinding['place']; readonly advice: string }[] = [
  {
    place: 'path name',
    advice: 'A path name holds a value: rename it with `git mv` in the commit that adds it.',
  },
  {
    place: 'tag message',
    advice: 'A tag message holds a value: make the tag again with `git tag --force --annotate`.',
  },
  { place: 'ref name', advice: 'A branch or tag name holds a value: push under another name.' },
  { place: 'push option', advice: 'A push option holds a value: leave it out.' },
  {
    place: 'note',
    advice: 'A note holds a value: rewrite it with `git notes edit` and prune the older notes commit.',
  },
];
