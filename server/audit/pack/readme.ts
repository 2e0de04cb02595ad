// The README of an evidence pack, for an auditor who has never heard of us.
import type { PackManifest } from './pack-layout.ts';

/** The text for a pack with this manifest and these verifier keys, the newest last. */
export function packReadme(manifest: Omit<PackManifest, 'files'>, keys: readonly string[]): string {
  const { origin, first, past, size, from, to } = manifest;
  const period =
    from === null && to === null
      ? ''
      : `, those from ${from ?? 'the beginning'} to before ${to ?? 'the end'}`;
  return `Evidence from the audit log ${origin}

This archive holds the entries ${first} to ${past - 1} of ${size}${period}.
An entry says what an agent or a person asked of the guard, what was found and decided, and what
came of it. Values that were found are never in it: only places, masked forms and keyed fingerprints.

How to check it
---------------

You need the log's verifier key. Ask for it by another way than this archive: whoever could forge
the archive could put another key in. The newest key that this archive claims is

  ${keys.at(-1) ?? ''}

With Python 3 and openssl, on any machine, without a network:

  python3 verify.py --key 'VERIFIER KEY'

or, independently of that, with Forgeguard itself:

  forgeguard audit verify ARCHIVE.tar.gz --key 'VERIFIER KEY'

Both print "ok", or what is wrong and where. If you have kept a checkpoint of this log from an
earlier time, add --checkpoint FILE: the log must then continue it. That is what finds a history
that was written anew by somebody with the signing key. If you know the key of a witness of this log,
add --witness 'KEY': it must have signed a checkpoint that the log continues.

What is in it
-------------

  entries/       the entries, one a line, as JSON: for reading and searching
  opened/        texts of entries that may be personal: in the entries they are sealed, with their salted
                 SHA-256. Texts whose key was destroyed, with the approval of a second person, are
                 not here; the entries and all proofs stay as they were
  checkpoint     the signed statement that the log has ${size} entries and which
  cosigned       the newest one that a witness has signed as well, where there are witnesses
  timestamped    the newest one that a time stamping authority has stamped, and timestamp.tsr, its
                 answer (RFC 3161): check it with --tsa and the authority's root certificate
  checkpoints/   those that were signed over the entries as they came in, one a line
  tile/          the hashes of the log and the same entries, in the form of C2SP tlog-tiles. Bundles are
                 whole: up to 255 entries before and after the period are among them
  proofs/        proofs for single entries outside the period: changes of the signing key, the policy
                 that was in force, and the neighbours that show that nothing of the period is left out
  policies/      the policies that decisions name by their SHA-256
  evidence/      what pushes changed, long lists of refs, logs, and lists of files, values masked: documents that the entries
                 evidence.kept name by their SHA-256. One that is not here was not kept, not taken along, or destroyed
  reports/       about each agent: what it did for whom, decisions, findings, approvals, anomalies. They
                 were made from the entries, for reading; where they differ, the entries count
  keys.json      the keys that the log had, and the entry that brought each
  manifest.json  what this archive claims to be, and the SHA-256 of each file
  verify.py      the verifier; read it, it is short

What it shows, and what not
---------------------------

A sound archive shows that these entries are in the log that was signed, in this order, unchanged,
each in one place, and none left out between the first and the last. It does not show that the guard
saw everything: what did not go through it left no entry.
`;
}
