// The policy of tests about authors and signatures: who is who, and whose keys are known.
/* oxlint-disable unicorn/no-thenable -- `then` is a key of the policy's format */
import type { SshSigner } from './signing-keys.ts';

/** Strict, with keys of the agent, of Ada and of a forge; releases and tags must be signed. */
export function authorsPolicy(
  signers: Readonly<Record<'own' | 'ada' | 'forge' | 'old', SshSigner>>,
  pgp: SshSigner,
): object {
  return {
    version: 1,
    authors: {
      mode: 'strict',
      identities: [
        { principal: 'agent:*', emails: ['{name}@agents.example.com'] },
        { principal: 'agent:worker', emails: ['agent@example.com'] },
        { principal: 'human:operator', emails: ['operator@example.org'] },
        { principal: 'human:ada', emails: ['ada@example.org'], names: ['Ada Lovelace'] },
      ],
      signers: [
        { id: 'worker', principal: 'agent:worker', ssh: [signers.own.publicKey], gpg: [pgp.publicKey] },
        {
          id: 'worker-2025',
          principal: 'agent:worker',
          ssh: [signers.old.publicKey],
          validUntil: '2026-01-01T00:00:00Z',
        },
        { id: 'ada', principal: 'human:ada', ssh: [signers.ada.publicKey] },
        { id: 'web-flow', forge: true, ssh: [signers.forge.publicKey] },
      ],
    },
    rules: [
      {
        id: 'impersonation',
        when: {
          findings: {
            category: 'policy',
            rule: ['policy/author-mismatch', 'policy/forged-trailer', 'policy/bad-signature'],
          },
        },
        then: 'deny',
        message: 'Make the commits your own.',
      },
      { id: 'strangers', when: { authorMismatch: true }, then: 'deny' },
      {
        id: 'signed-releases',
        when: { ref: ['release/**', 'refs/tags/**'], signature: ['none', 'bad', 'unknown', 'expired'] },
        then: 'deny',
      },
    ],
  };
}
