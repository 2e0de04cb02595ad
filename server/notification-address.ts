// Where notices go to: URLs of webhooks and of mail servers, as the operator writes them.

/** Reads an http or https URL, with a query but without user information and fragment. */
export function parseHookUrl(text: string): URL | undefined {
  if (!URL.canParse(text) || /[#\s]/.test(text)) return undefined;
  const url = new URL(text);
  const isHttp = url.protocol === 'http:' || url.protocol === 'https:';
  return isHttp && url.username === '' && url.password === '' && url.hostname !== '' ? url : undefined;
}

export interface MailServer {
  readonly host: string;
  readonly port: number;
  readonly isImplicitTls: boolean;
}

/** Reads `smtp://host[:port]` or `smtps://host[:port]`; without a port the one of mail submission (RFC 8314). */
export function parseMailServer(text: string): MailServer | undefined {
  const [, scheme, bracketed, plain, port] =
    /^(smtps?):\/\/(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]{1,253}))(?::([0-9]{1,5}))?\/?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (scheme === undefined || host === undefined) return undefined;
  const isImplicitTls = scheme === 'smtps';
  const number = port === undefined ? (isImplicitTls ? 465 : 587) : Number(port);
  return number > 0 && number <= 65_535 ? { host, port: number, isImplicitTls } : undefined;
}
