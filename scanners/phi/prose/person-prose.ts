// Tells prose that may speak of persons from the prose of software: readmes, licences, changelogs, manuals. Names in
// the latter are authors and examples; reading them word by word would cost time and cry wolf.

/** How much of a document is looked at. */
const SAMPLE = 24_000;

const technical =
  /`|\w\(\)|:\/\/(?:github|gitlab|npmjs|pypi|travis|img\.shields)|^\s{0,8}[$#] |--\w|\w_\w|[{}<=|]|\b(?:install\w*|config\w*|server|files?|folder|code|versions?|defaults?|param\w*|arguments?|functions?|returns?|builds?|tests?|api|modules?|packages?|class|methods?|strings?|boolean|licen[cs]ed?|copyright|software|repositor\w+|commits?|branch|changelog|fix(?:es|ed)?|bugs?|issues?|release[ds]?|options?|command|command-line|cli|script|json|xml|html|http|url|node|python|java\w*|docker|linux|windows|library|plugin|documentation|deprecated|support(?:s|ed)?|feature|implementation|interface|runtime|debug|warranty|redistribut\w+|directory|output|input|parse\w*|syntax)\b/gim;
/** Formats with readers of their own, whatever they are called. */
const interchange =
  /^(?:\xef\xbb\xbf)?[\s\x0b]{0,20}(?:ISA|MSH|FHS|BHS|PID|UNA|UNB|[<{]|\[(?!\d{1,4}[/.:-]\d)|%PDF)/;
/** A line of a log, whatever the file is called. */
const logLine = /^\W{0,3}\d{4}-\d{2}-\d{2}[T ]\d{2}:/gm;
const personal =
  /\b(?:he|she|him|her|his|hers|my|mine|me|i|i'm|mr|mrs|ms|dr|miss|sir|madam|patient|daughter|son|wife|husband|mother|father|sister|brother|lives?|born|name|named|called|address|phone|call|met|friend|family|hospital|clinic)\b/gi;

/** True for text in sentences or address blocks that are not about software. */
export function maySpeakOfPersons(view: string): boolean {
  const text = view.slice(0, SAMPLE);
  const words = count(/[A-Za-z\x80-\xff]{2,}/g, text, Infinity);
  if (words < 4 || interchange.test(text)) return false;
  if (count(/[*~^|\t;]/g, text, words * 0.1) > words * 0.1) return false;
  if (count(logLine, text, 3) > 3) return false;
  const software = count(technical, text, words * 0.12 + 2);
  if (software > words * 0.12 + 2) return false;
  return software <= words * 0.03 + 2 || software <= words * 0.03 + 2 + count(personal, text, Infinity) * 0.5;
}

/** How often a global expression matches; it stops counting above `limit`. */
function count(pattern: RegExp, text: string, limit: number): number {
  let matches = 0;
  for (pattern.lastIndex = 0; matches <= limit && pattern.test(text);) matches++;
  return matches;
}
