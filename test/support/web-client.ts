// A browser without a window and without scripts: keeps cookies for each host, follows redirects, sends forms as a browser
// does. For tests of what pages and headers say; the look of pages is for Chromium.
import { parseSetCookie } from 'cookie';

export interface WebAnswer {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface WebClientOptions {
  readonly userAgent?: string;
}

export class WebClient {
  readonly #jar = new Map<string, Map<string, string>>();
  readonly #userAgent: string;

  constructor(options: WebClientOptions = {}) {
    this.#userAgent = options.userAgent ?? 'Test/1.0';
  }

  /** The cookies of a URL's host, by name; may be changed. */
  cookies(url: string): Map<string, string> {
    const { host } = new URL(url);
    const found = this.#jar.get(host) ?? new Map<string, string>();
    this.#jar.set(host, found);
    return found;
  }

  /** Sends one request and keeps the cookies of its answer. */
  async once(
    url: string,
    init: { method?: string; body?: URLSearchParams; headers?: Record<string, string> } = {},
  ): Promise<WebAnswer> {
    const jar = this.cookies(url);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(url, {
      redirect: 'manual',
      ...init,
      headers: { 'user-agent': this.#userAgent, ...(cookie === '' ? {} : { cookie }), ...init.headers },
    });
    for (const line of answer.headers.getSetCookie()) {
      const { name, value, maxAge } = parseSetCookie(line);
      if (value === undefined || value === '' || maxAge === 0) jar.delete(name);
      else jar.set(name, value);
    }
    return { url, status: answer.status, headers: answer.headers, text: await answer.text() };
  }

  /** Opens a page, through at most ten redirects. */
  async open(url: string): Promise<WebAnswer> {
    return this.#follow(await this.once(url));
  }

  /** Sends a form of a page of this URL's origin, and follows. */
  async submit(url: string, fields: Readonly<Record<string, string>>): Promise<WebAnswer> {
    const { origin } = new URL(url);
    const headers = { origin, 'sec-fetch-site': 'same-origin' };
    return this.#follow(await this.once(url, { method: 'POST', body: new URLSearchParams(fields), headers }));
  }

  async #follow(first: WebAnswer): Promise<WebAnswer> {
    let answer = first;
    for (let hops = 0; hops < 10; hops += 1) {
      const location = answer.headers.get('location');
      if (location === null) return answer;
      answer = await this.once(new URL(location, answer.url).href);
    }
    throw new Error(`too many redirects, the last to ${answer.url}`);
  }
}

/** The token that the forms of a page carry. */
export function csrfIn(page: WebAnswer): string {
  const found = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1];
  if (found === undefined) throw new Error(`no form on the page ${page.url}: ${page.status}`);
  return found;
}

/** Signs in as this subject at the provider's own page, and ends at the guard's. */
export async function signIn(
  client: WebClient,
  guardUrl: string,
  provider: string,
  subject: string,
  returnTo = '/ui',
): Promise<WebAnswer> {
  const page = await client.open(`${guardUrl}/ui/sign-in/${provider}?return=${encodeURIComponent(returnTo)}`);
  // The provider may know the browser already.
  return page.url.startsWith(guardUrl) ? page : client.submit(page.url, { login: subject });
}
