// Phone numbers, e-mail addresses, cards and bank accounts by their shape. The first two are everywhere in programs and
// count only inside a document that is clinical for other reasons; the others need their check digits.
import { isCard, isIban } from '../validators/check-digits.ts';
import { matchesOf } from '../matches.ts';
import type { Hit, PatternRule } from '../rule.ts';
import { syntheticCard, syntheticEmail, syntheticPhone } from './synthetic.ts';

const phone =
  /(?<![\w.+-])(?:\+?1[ .-]?)?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-])[2-9]\d{2}[ .-]\d{4}(?![\w-]|\.\d)/g;
const email = /@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}/g;

export const contactRule: PatternRule = {
  within: 'clinical',
  literals: ['@', '000-000-0000', '000) 000-0000', '000)000-0000', '000.000.0000', '000 000 0000'],
  find(line, emit) {
    if (!line.document.clinical || line.document.source || line.document.binary) return;
    for (const match of matchesOf(phone, line.text)) {
      const start = line.start + match.index;
      const hit = { rule: 'phi/phone', start, end: start + match[0].length, confidence: 0.72 } as const;
      emit(withReason(hit, syntheticPhone(match[0].replaceAll(/\D/g, ''))));
    }
    for (const match of matchesOf(email, line.text)) {
      const local =
        /[\w.+'%-]{1,64}$/.exec(line.text.slice(Math.max(0, match.index - 64), match.index))?.[0] ?? '';
      if (local === '') continue;
      const start = line.start + match.index - local.length;
      const hit = {
        rule: 'phi/email',
        start,
        end: line.start + match.index + match[0].length,
        confidence: 0.72,
      } as const;
      emit(withReason(hit, syntheticEmail(local + match[0])));
    }
  },
};

const card =
  /(?<![\w.-])(?:\d{4}([ -])\d{4}\1\d{4}\1\d{4}|3[47]\d{2}([ -])\d{6}\2\d{5}|\d{13,19})(?![\w-]|\.\d)/g;
const cardContext = /card|visa|master ?card|amex|american express|discover|payment|\bcc\b|cc_?num|\bpan\b/i;
const iban = /(?<![\w])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?![\w])/g;

export const accountRule: PatternRule = {
  literals: [
    'card',
    'visa',
    'amex',
    'payment',
    'cc_num',
    'ccnum',
    'iban',
    '0000 0000 0000 0000',
    '0000-0000-0000-0000',
  ],
  find(line, emit) {
    if (line.document.binary) return;
    const cards = matchesOf(card, line.text);
    const context = cards.length > 0 && cardContext.test(line.text);
    for (const match of cards) {
      const digits = match[0].replaceAll(/\D/g, '');
      const grouped = digits.length < match[0].length;
      if (!isCard(digits) || (!grouped && !context)) continue;
      const start = line.start + match.index;
      const confidence = context ? (line.document.source ? 0.8 : 0.92) : 0.8;
      emit(
        withReason(
          { rule: 'phi/card', start, end: start + match[0].length, confidence },
          syntheticCard(digits),
        ),
      );
    }
    const ibans = matchesOf(iban, line.text);
    if (ibans.length === 0 || !/iban|account|konto|bank|cuenta|compte/i.test(line.text)) return;
    for (const match of ibans) {
      if (!isIban(match[0])) continue;
      const start = line.start + match.index;
      const confidence = line.document.source ? 0.75 : 0.87;
      emit(
        withReason(
          { rule: 'phi/iban', start, end: start + match[0].length, confidence },
          publishedIban(match[0]),
        ),
      );
    }
  },
};

function publishedIban(text: string): string | undefined {
  const compact = text.replaceAll(' ', '');
  const examples = [
    'DE89370400440532013000',
    'GB29NWBK60161331926819',
    'GB82WEST12345698765432',
    'FR1420041010050500013M02606',
  ];
  return examples.includes(compact) ? 'the example of the IBAN registry' : undefined;
}

function withReason(hit: Hit, synthetic: string | undefined): Hit {
  return synthetic === undefined ? hit : { ...hit, synthetic };
}
