// People who decide about held pushes, through the guard's API, and what the tests read there.
import { z } from 'zod';
import type { Verb } from '../../core/principal.ts';
import type { Database } from '../../server/db.ts';
import { createTokenOffice } from '../../server/identity/tokens.ts';

const requestSchema = z.looseObject({
  id: z.string(),
  state: z.string(),
  note: z.string().nullable(),
  supersededBy: z.string().nullable(),
  reason: z.string().nullable(),
  isFinal: z.boolean(),
});
export type SeenRequest = z.infer<typeof requestSchema>;

export interface Reviewer {
  readonly token: string;
  /** Posts a decision and returns status and body. */
  decide(
    id: string,
    decision: string,
    body?: object,
  ): Promise<{ readonly status: number; readonly body: unknown }>;
  /** The request as the API shows it. */
  see(id: string): Promise<SeenRequest>;
  /** Waits until the request is in this state. */
  until(id: string, state: string): Promise<SeenRequest>;
  /** A page of what it would change. */
  changes(id: string): Promise<unknown>;
  /** Requests in a state. */
  list(state: string): Promise<readonly SeenRequest[]>;
}

export interface ReviewerOptions {
  readonly groups?: readonly string[];
  readonly verbs?: readonly Verb[];
}

/** Makes a person with a token of its own; a member of the group `reviewers` unless told. */
export async function createReviewer(
  database: Database,
  url: string,
  name: string,
  options: ReviewerOptions = {},
): Promise<Reviewer> {
  const office = createTokenOffice({ database, clock: { now: () => new Date() }, maxLifetime: 86_400 });
  const issued = await office.issue({
    kind: 'human',
    name,
    owner: `human:${name}`,
    purpose: 'reviews',
    groups: [...(options.groups ?? ['reviewers'])],
    onBehalfOf: [],
    scopes: [{ repository: '**', verbs: [...(options.verbs ?? ['approve' as const])] }],
    lifetime: 3_600,
    issuedBy: 'test',
  });
  const token = issued.token.reveal();
  const authorization = `Bearer ${token}`;
  const base = `${url}/api/v1/approvals`;

  async function get(path: string): Promise<unknown> {
    const response = await fetch(`${base}${path}`, { headers: { authorization } });
    const body: unknown = await response.json();
    if (response.status !== 200) throw new Error(`${response.status} ${JSON.stringify(body)}`);
    return body;
  }

  const see = async (id: string): Promise<SeenRequest> => requestSchema.parse(await get(`/${id}`));
  return {
    token,
    see,
    async decide(id, decision, body) {
      const response = await fetch(`${base}/${id}/${decision}`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify(body ?? {}),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? null : JSON.parse(text) };
    },
    async until(id, state) {
      const patience = Date.now() + 40_000;
      for (let tries = 0; ; tries += 1) {
        const seen = await see(id);
        if (seen.state === state) return seen;
        if (seen.isFinal || Date.now() > patience)
          throw new Error(`expected ${state}, and it is ${seen.state}: ${seen.note ?? ''}`);
        // A person may ask 300 times in a minute.
        await new Promise((resolve) => setTimeout(resolve, tries < 10 ? 100 : 700));
      }
    },
    changes: (id) => get(`/${id}/changes`),
    async list(state) {
      const page = z
        .looseObject({ approvals: z.array(requestSchema) })
        .parse(await get(`?state=${state}&limit=100`));
      return page.approvals;
    },
  };
}
