// The SQL that forgets what the ledger made of sealed texts of the audit log: names of refs, by their digests. Where the
// refs of GitHub stand now is not of the log, and stays.
import type { DerivedTexts } from '../../server/derived-texts.ts';

/** Updates that the guard forwarded in the time. */
export const ledgerTexts: DerivedTexts = {
  blockedBy: async () => undefined,
  forget: async (client, { repository, from, to }) => {
    await client.query(
      `update github_forward set ref_key = null where repository = $1 and at >= $2 and at < $3`,
      [repository.toLowerCase(), from, to],
    );
  },
};
