// Tells prose that may speak of persons from the prose of software: readmes, licences, changelogs, manuals. Names in
// the latter are authors and examples; reading them word by word would cost time and cry wolf.

/** How much of a document is looked at. */
const SAMPLE = 24_000;

const technical =
  /`|\w\(\)|:\/\/(?:github|gitlab|npmjs|pypi|travis|img\.shields)|^\s{0,8}[$#] |--\w|\w_\w|[{}<=|]|\b(?:install\w*|config\w*|server|files?|folder|code|versions?|defaults?|param\w*|arguments?|functions?|returns?|builds?|tests?|api|modules?|packages?|class|methods?|strings?|boolean|licen[cs]ed?|copyright|software|repositor\w+|commits?|branch|changelog|fix(?:es|ed)?|bugs?|issues?|release[ds]?|options?|command|command-line|cli|script|json|xml|html|http|url|node|python|java\w*|docker|linux|windows|library|plugin|documentation|deprecated|support(?:s|ed)?|feature|implementation|interface|runtime|debug|warranty|redistribut\w+|directory|output|input|parse\w*|syntax)\b/gim;
/** Formats with readers of their own, whatever they are called. */
const interchange = /^(?:\xef\xbb\xbf)?[\s\x0b]{0,20}(?:ISA|MSH|FHS|BHS|PID|UNA|UNB|[<{[]|%PDF)/;
/** A line of a log, whatever the file is called. */
const logLine = /^\W{0,3}\d{4}-\d{2}-\d{2}[T ]\d{2}:/gm;
const personal =
  /\b(?:he|she|him|her|his|hers|my|mine|me|i|i'm|mr|mrs|ms|dr|miss|sir|madam|patient|daughter|son|wife|husband|mother|father|sister|brother|lives?|born|name|named|called|address|phone|call|met|friend|family|hospital|clinic)\b/gi;

/** True for text in sentences or address blocks that are not about software. */
export function maySpeakOfPersons(view: string): boolean {
  const text = view.slice(0, SAMPLE);
  const words = text.match(/[A-Za-z\x80-\xff]{2,}/g)?.length ?? 0;
  if (words < 4 || interchange.test(text)) return false;
  if ((text.match(/[*~^|\t;]/g)?.length ?? 0) > words * 0.1) return false;
  if ((text.match(logLine)?.length ?? 0) > 3) return false;
  const software = text.match(technical)?.length ?? 0;
  const persons = text.match(personal)?.length ?? 0;
  return software <= words * 0.03 + 2 + persons * 0.5 && software <= words * 0.12 + 2;
}
