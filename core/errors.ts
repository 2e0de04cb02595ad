// One error class with a closed set of codes. The table holds everything that is said once per code: the HTTP status
// and what the user can do. Messages never contain a secret or a matched value.

interface ErrorEntry {
  /** HTTP status where the error ends a request. */
  readonly status: number;
  /** What the reader can do about it. */
  readonly remedy: string;
}

/** Everything that is fixed about an error code. docs/errors.md is compared with this table by a test. */
export const errorTable = {
  'config/invalid': { status: 500, remedy: 'Correct the named key of the configuration and start again.' },
  'config/unreadable': { status: 500, remedy: 'Check that the file exists and may be read.' },
  'policy/invalid': {
    status: 500,
    remedy: 'Correct the named key of the policy; `forgeguard policy check` tells more.',
  },
  'listen/in-use': {
    status: 500,
    remedy: 'Stop the other program or choose another port with PORT or `listen`.',
  },
  'data/unusable': {
    status: 500,
    remedy: 'Name a directory that the guard may write to, with FORGEGUARD_DATA_DIR or `dataDir`.',
  },
  'database/unavailable': {
    status: 503,
    remedy: 'Check that PostgreSQL runs and that the connection URL is right.',
  },
  'database/newer-schema': {
    status: 500,
    remedy: 'Start the newer version of Forgeguard that upgraded this database.',
  },
  'database/older-schema': {
    status: 500,
    remedy: 'Start the guard once: it brings the database up to date.',
  },
  'audit/unavailable': {
    status: 503,
    remedy: 'Nothing was forwarded. Try again once the audit log can be written.',
  },
  'audit/inconsistent': {
    status: 500,
    remedy: 'Do not restart blindly: compare the log with its last checkpoint first.',
  },
  'audit/not-found': {
    status: 404,
    remedy: 'Ask for an entry, tile or size that the newest checkpoint covers.',
  },
  'audit/pruned': {
    status: 410,
    remedy:
      'These entries were older than they are kept for; their hashes are there, and proofs of later ones hold.',
  },
  'audit/clock': {
    status: 503,
    remedy: 'Correct the clock that is wrong, let witnesses sign again, and try again.',
  },
  'audit/timestamp': {
    status: 502,
    remedy: 'Check that the time stamping authority runs and that `audit.timestamp.caFile` holds its root.',
  },
  'audit/witness': {
    status: 502,
    remedy: 'Check that the witness runs and knows the verifier key of the log.',
  },
  'identity/missing': {
    status: 401,
    remedy: 'Send a token as the HTTP Basic password or as a Bearer token.',
  },
  'identity/invalid': {
    status: 401,
    remedy: 'Ask for a new token; this one is unknown, expired or revoked.',
  },
  'identity/locked-out': {
    status: 429,
    remedy:
      'Stop trying this credential, ask for a new one, and wait as long as the Retry-After header says.',
  },
  'identity/unavailable': {
    status: 503,
    remedy:
      'Try again in a moment; tell the operator if it stays so: the issuer of your token is not reached.',
  },
  'identity/revoked': {
    status: 403,
    remedy: 'Ask the one who answers for the agent; nothing was forwarded.',
  },
  'identity/forbidden': {
    status: 403,
    remedy: 'Ask for a token whose scope covers this repository and verb.',
  },
  'identity/no-source': {
    status: 401,
    remedy: 'Set one of what `forgeguard credential status` lists, or sign in in time.',
  },
  'token/unknown': { status: 404, remedy: '`forgeguard token list` shows the ids of all tokens.' },
  'person/unknown': { status: 404, remedy: 'Check the id; the page of people lists them.' },
  'person/ended': { status: 403, remedy: 'Ask an administrator of the guard, or of your directory.' },
  'person/conflict': {
    status: 409,
    remedy: 'The name belongs to another account. An administrator of the directory can tell them apart.',
  },
  'login/refused': { status: 403, remedy: 'Sign in again, from the beginning and in one browser.' },
  'login/unavailable': {
    status: 502,
    remedy: 'The identity provider does not answer as it should. Try again later.',
  },
  'web/signed-out': { status: 401, remedy: 'Sign in again.' },
  'web/cross-site': { status: 403, remedy: "Reload the guard's own page and send its form again." },
  'action/no-checkout': {
    status: 500,
    remedy: 'Let a step with actions/checkout run before this one.',
  },
  'action/no-identity': {
    status: 500,
    remedy: 'Give the job `permissions: id-token: write`, or leave out `guard-url`.',
  },
  'action/history': {
    status: 500,
    remedy:
      'Give actions/checkout `fetch-depth: 0`, or leave it its credentials (`persist-credentials: true`).',
  },
  'input/invalid': { status: 400, remedy: 'Correct the named value and try again.' },
  'input/unreadable': { status: 400, remedy: 'Check that the file exists and may be read.' },
  'route/unknown-repository': {
    status: 404,
    remedy: 'Check the forge and repository in the URL: /git/<forge>/<path>.git',
  },
  'route/unknown-path': { status: 404, remedy: '`GET /api/v1/openapi.json` lists what there is.' },
  'github/signature': {
    status: 401,
    remedy: 'Set the webhook secret of the GitHub App to one of those in `forges[].app.webhookSecrets`.',
  },
  'git/unsupported': { status: 403, remedy: 'Use smart HTTP: a stock git client does so by default.' },
  'git/malformed': {
    status: 400,
    remedy: 'Use a stock git client; what was sent is not valid Git protocol.',
  },
  'git/limit': { status: 413, remedy: 'Push less at once, or ask the operator to raise the named limit.' },
  'git/bad-pack': { status: 400, remedy: 'Run `git fsck` in the pushing repository and push again.' },
  'git/disk-full': {
    status: 507,
    remedy: 'The guard has no room for this push. Tell the operator, then push again.',
  },
  'git/busy': { status: 503, remedy: 'Wait a moment and push again.' },
  'scan/failed': {
    status: 500,
    remedy: 'Push again; if it happens again, send the request id to the operator.',
  },
  'upstream/unreachable': { status: 502, remedy: 'Check that the upstream forge is up, then push again.' },
  'upstream/timeout': { status: 504, remedy: 'The upstream forge was too slow. Push again later.' },
  'upstream/refused': { status: 502, remedy: 'The upstream forge refused the guard. Tell the operator.' },
  'upstream/unauthorized': {
    status: 502,
    remedy: "The guard's own credential was refused upstream. Tell the operator.",
  },
  'upstream/no-credential': {
    status: 502,
    remedy: 'The guard could not get its own credential for the forge. Tell the operator.',
  },
  'upstream/not-installed': {
    status: 502,
    remedy: 'The GitHub App of the guard must be installed for this repository. Tell the operator.',
  },
  'upstream/suspended': {
    status: 502,
    remedy:
      'GitHub refuses the installation of the GitHub App, as it does while that is suspended. Tell the operator.',
  },
  'upstream/permission': {
    status: 502,
    remedy: 'The GitHub App of the guard lacks a permission, or the repository. Tell the operator.',
  },
  'upstream/rate-limited': {
    status: 503,
    remedy: 'The upstream forge asks for fewer requests. Try again later.',
  },
  'upstream/credential': {
    status: 401,
    remedy: 'Send a credential of the upstream forge: this guard passes it on and has none of its own.',
  },
  'upstream/not-found': { status: 404, remedy: 'The upstream forge does not know this repository.' },
  'upstream/invalid': {
    status: 502,
    remedy: 'What the upstream answered is not Git protocol. Check its URL.',
  },
  'approval/unknown': { status: 404, remedy: '`GET /api/v1/approvals` lists the requests that you may see.' },
  'approval/not-human': { status: 403, remedy: 'Decide with a credential of your own.' },
  'approval/involved': { status: 403, remedy: 'Ask somebody else who may approve.' },
  'approval/not-approver': { status: 403, remedy: 'The request names who may approve it.' },
  'approval/voted': { status: 409, remedy: 'Revoke your earlier decision, or leave it.' },
  'approval/not-voted': { status: 409, remedy: 'There is nothing to revoke.' },
  'approval/decided': { status: 409, remedy: 'Look at the request again: it has moved on.' },
  'approval/no-review': { status: 409, remedy: 'Look at the request again: no review of it is open.' },
  'approval/not-yours': { status: 403, remedy: 'Ask the one who made the request, or deny it.' },
  'approval/too-many': {
    status: 429,
    remedy:
      'Wait until some of these requests are decided, or cancel what is not needed: POST /api/v1/approvals/ID/cancel',
  },
  'approval/gone': {
    status: 410,
    remedy: 'The request has ended; the audit log and the upstream tell what became of it.',
  },
  'agent/unknown': { status: 404, remedy: '`GET /api/v1/agents` lists the agents that you may see.' },
  'report/no-browser': {
    status: 501,
    remedy: 'Install Chromium, or name it with `reports.chromium`; format=html is the same report.',
  },
  'report/failed': { status: 500, remedy: 'Try again; format=html is the same report.' },
  'session/no-recording': {
    status: 404,
    remedy:
      'Only logs with something in them are kept unless `keepLogs` says otherwise; see docs/reports.md.',
  },
  'session/unknown': { status: 404, remedy: '`GET /api/v1/sessions` lists the sessions that you may see.' },
  'request/too-many': { status: 429, remedy: 'Wait as long as the Retry-After header says.' },
  'notify/failed': {
    status: 502,
    remedy: 'It is tried again. Check that the receiver is up and takes what the guard sends.',
  },
  'sink/failed': {
    status: 502,
    remedy:
      'It is tried again, and nothing is lost. Check that the receiver is up and takes what the guard sends.',
  },
  'storage/failed': {
    status: 502,
    remedy: 'Check the bucket, its region or endpoint, the credentials and what they may do.',
  },
  'guard/unreachable': { status: 502, remedy: 'Check the URL of the guard, and that it runs there.' },
  'queue/unavailable': {
    status: 503,
    remedy:
      'Nothing is lost: what waits is in the database. Check that Redis or PostgreSQL runs and has room.',
  },
  'request/cancelled': { status: 499, remedy: 'The client went away; nothing was forwarded.' },
  internal: { status: 500, remedy: 'Send the request id to the operator.' },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorTable;

/** The one error of the guard: a code of the table, a message that says what was attempted, and the cause. */
export class GuardError extends Error {
  readonly code: ErrorCode;
  readonly #remedy: string | undefined;

  /** `remedy` is told in place of the table's, where more is known. */
  constructor(
    code: ErrorCode,
    message: string,
    options?: { readonly cause?: unknown; readonly remedy?: string },
  ) {
    super(message, options);
    this.name = 'GuardError';
    this.code = code;
    this.#remedy = options?.remedy;
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  get remedy(): string {
    return this.#remedy ?? errorTable[this.code].remedy;
  }
}

/** Wraps anything thrown as a `GuardError`, keeping one that already is. */
export function asGuardError(thrown: unknown, code: ErrorCode, message: string): GuardError {
  return thrown instanceof GuardError ? thrown : new GuardError(code, message, { cause: thrown });
}
