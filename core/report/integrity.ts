// How far the audit log goes and who has signed that, as a port.

export interface LogIntegrity {
  readonly log: string;
  readonly size: number;
  /** Base64. */
  readonly root: string;
  readonly keyName: string;
  readonly keyId: string;
  readonly verifierKey: string;
  readonly cosigned: { readonly size: number; readonly by: readonly string[] } | null;
  /** The signed note. */
  readonly checkpoint: string;
}

export interface IntegritySource {
  /** The newest checkpoint. Rejects with `audit/not-found` where there is none, with `audit/inconsistent` where it is not signed. */
  newest(): Promise<LogIntegrity>;
}
