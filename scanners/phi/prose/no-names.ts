// What stands in notes in capitals and beside numbers and is neither a name nor a place: abbreviations of care, times at
// the beginning of a line, and plain words.
import { gazetteer } from './gazetteer.ts';
import type { Token } from './tokens.ts';

const abbreviations: ReadonlySet<string> = new Set(
  (
    'wk wks mo mos yr yrs hrs ebl preop postop ble bue bilat lat soc aox dtr wt acct mrn recd rpt abd abg abx ac ad adl af afib aka ama amb ap apap aptt asa bka bid bm bmi bmp bnp bp bpm bs bun bx ca cabg cad cbc cc ' +
    'cco chf cm cmp cns co copd cp cpr cr crp csf ct cta cva cvp cx cxr dc dd dka dm dnr dob doe dp dt dvt dx ecg echo ed ' +
    'eeg ekg ems ent er esr etoh ett eval ext fbs fe ffp fh fhx fob foley fu fx gcs gerd gfr gi gtt gu gyn ha hct hdl hep ' +
    'hgb hh hiv ho hob hpi hr hs hsm ht htn hx icd icu id im imp in inr io ir iv ivf ivp jvd kg kub labs lad lbs lle llq lmp ' +
    'loc lp ls lue luq lv lvef mca med meds mg mi min ml mmhg mr mra mri mrsa ms mvi na nad nc ng ngt nka nkda noc npo nsaid ' +
    'nsr nsvd nt nv ob obs od oob or ot otc pa pacu pcn pcp pe pe perrl pft ph phx pid plan plt pmh pnd pnv po pod post pp ' +
    'ppd pr prn pro psh psych pt pta ptca ptt pulm pvc qd qhs qid qod ra rbc rec ref resp rhd rle rll rlq rn ro rom ros rr ' +
    'rrr rt rtc rue ruq rx sa sat sats sbo sh shx sl snf sob sp spo ss stat std subq sz tab tabs tah tb td temp tia tid tka ' +
    'tha tka tlc tpn tsh tx ua ucx uo uri us usg uti vag vit vs vss vt wbc wc wd wnl wnwd wt xr yo ra loa mva cabg lpn cna np do md'
  ).split(' '),
);

const PLACES = 4 | 8 | 16;
const PEOPLE = 1 | 2;
/** Words of English in the three most common lists. */
const PLAIN = 32 | 64 | 128;

/** True where a run of tokens that was taken for a name or place can be neither. */
export function isNoName(tokens: readonly Token[], place: boolean): boolean {
  const words = tokens.filter(({ shape }) => shape !== 'sign' && shape !== 'line' && shape !== 'number');
  if (words.every(({ word }) => isAbbreviation(word))) return words.length > 0 || !place;
  if (!place) return false;
  const numbered = tokens.some(({ shape }) => shape === 'number');
  return (
    !numbered &&
    words.every(({ word }) => {
      const known = gazetteer()(word);
      return isAbbreviation(word) || ((known & PLAIN) !== 0 && (known & (PLACES | PEOPLE)) === 0);
    })
  );
}

/** Number of the last token of a run that is no abbreviation behind a name: `Theo   SOC`. */
export function lastOfName(tokens: readonly Token[], first: number, last: number): number {
  let end = last;
  while (end > first && tokens[end]?.shape === 'upper' && abbreviations.has(tokens[end]?.word ?? '')) end--;
  return end;
}

/** Abbreviations, single letters, and letters in a number: `412B`, `34yo`, `G2P1`. */
function isAbbreviation(word: string): boolean {
  const bare = word.replaceAll(/[^a-z]/g, '');
  return (
    abbreviations.has(bare) || (bare.length <= 1 && bare === word) || (/\d/.test(word) && bare.length <= 2)
  );
}

/** True for a time of the day in four digits at the beginning of a line, as nurses write it. */
export function isLineTime(tokens: readonly Token[], at: number): boolean {
  const token = tokens[at];
  if (token === undefined || !/^(?:[01]\d|2[0-3])[0-5]\d$/.test(token.word)) return false;
  return at === 0 || tokens[at - 1]?.shape === 'line';
}
