// Whether everything that one glob matches is matched by another one. The answer is safe, not complete: it says no where
// it cannot tell, so that what is asked for never becomes more than what is granted.
import { compileGlobs, expandBraces } from './glob.ts';

/** True where every text that `narrow` matches is matched by one of `wide`. Throws `GlobError`. */
export function globIncluded(narrow: string, wide: readonly string[]): boolean {
  const alternatives = wide.flatMap((pattern) => expandBraces(pattern)).map((pattern) => pattern.split('/'));
  return expandBraces(narrow).every((pattern) => {
    const segments = pattern.split('/');
    return alternatives.some((alternative) => covered(segments, alternative));
  });
}

/**
 * The segments of `narrow` are matched like a text, each as one sign: `**` of `wide` takes any of them, `*` any but `**`,
 * everything else an equal one or a literal that it matches. Whatever the signs stand for is then matched, too.
 */
function covered(narrow: readonly string[], wide: readonly string[]): boolean {
  // reachable[at]: the segments of `wide` so far match the first `at` of `narrow`.
  let reachable = Array.from({ length: narrow.length + 1 }, (_, at) => at === 0);
  for (const segment of wide) {
    const next: boolean[] = Array.from({ length: narrow.length + 1 }, () => false);
    for (let at = 0; at <= narrow.length; at++) {
      if (segment === '**') next[at] = reachable[at] === true || (at > 0 && next[at - 1] === true);
      else next[at] = at > 0 && reachable[at - 1] === true && segmentCovered(narrow[at - 1] ?? '', segment);
    }
    reachable = next;
  }
  return reachable[narrow.length] === true;
}

function segmentCovered(narrow: string, wide: string): boolean {
  if (narrow === '**') return false;
  if (narrow === wide || wide === '*') return true;
  const isLiteral = !/[*?[\]{}\\]/.test(narrow) && narrow !== '';
  return isLiteral && compileGlobs([wide])(narrow);
}
