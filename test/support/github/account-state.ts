// Accounts, apps, installations and tokens of the fake.
import type { KeyObject } from 'node:crypto';

export type Level = 'read' | 'write' | 'admin';
export type Permissions = Readonly<Record<string, Level>>;

export interface Account {
  readonly id: number;
  readonly login: string;
  readonly type: 'User' | 'Organization' | 'Bot';
}

export interface Team {
  readonly organization: string;
  readonly slug: string;
  readonly members: Set<string>;
}

/** Of `ghs_` tokens: 40 characters, or with the number of the app and a JWT in it. */
export type TokenFormat = 'opaque' | 'jwt';

export interface FakeApp {
  readonly id: number;
  readonly clientId: string;
  readonly slug: string;
  readonly name: string;
  readonly owner: Account;
  readonly bot: Account;
  /** PKCS#1, PEM, as GitHub hands it out. */
  readonly privateKey: string;
  readonly publicKey: KeyObject;
  readonly permissions: Permissions;
  readonly events: readonly string[];
  webhookSecret: string;
  webhookUrl: string;
  tokenFormat: TokenFormat;
}

export interface Installation {
  readonly id: number;
  readonly app: FakeApp;
  readonly account: Account;
  permissions: Permissions;
  /** Ids, or everything of the account. */
  repositories: ReadonlySet<number> | 'all';
  suspended: boolean;
  /** Who did that, where it is known. */
  suspendedBy: Account | undefined;
}

export interface InstallationToken {
  readonly token: string;
  readonly installation: Installation;
  /** Ids it is narrowed to; undefined: all of the installation. */
  readonly repositories: ReadonlySet<number> | undefined;
  readonly permissions: Permissions;
  readonly expiresAt: Date;
}
