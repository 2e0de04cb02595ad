// CODEOWNERS as GitHub documents it: the last pattern that matches counts, directories hold what is below them.
import { expect, test } from 'vitest';
import { readCodeOwners } from '../../../github-app/pulls/codeowners.ts';

const ownersOf = readCodeOwners(`# a comment
*       @everybody
*.js    @Scripts # and why
/build/logs/ @doctocat
docs/*  docs@example.com
apps/   @octocat
/scripts/ @doctocat @acme/tools
/apps/github
!/no  @nobody
`);

test.each([
  ['README.md', ['@everybody']],
  ['deep/er/index.js', ['@scripts']],
  ['build/logs/a/b.log', ['@doctocat']],
  ['other/build/logs/a.log', ['@everybody']],
  ['docs/getting-started.md', ['docs@example.com']],
  ['docs/build-app/troubleshooting.md', ['@everybody']],
  ['some/apps/x.txt', ['@octocat']],
  ['scripts/run.sh', ['@doctocat', '@acme/tools']],
  // A pattern without owners takes them away.
  ['apps/github/x.txt', []],
  ['no', ['@everybody']],
])('%s', (path, owners) => {
  expect(ownersOf(path)).toEqual(owners);
});

test('an empty file names nobody', () => {
  expect(readCodeOwners('')('a')).toEqual([]);
});
