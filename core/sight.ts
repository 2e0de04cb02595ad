// Why a guarded repository is out of the guard's sight: words for entries, alerts and the posture.

/** What GitHub gives as the reason, the most telling first; `unlisted` where it gives none. */
export const sightReasons = [
  'deleted',
  'transferred',
  'disabled',
  'uninstalled',
  'suspended',
  'removed',
  'unlisted',
] as const;
export type SightReason = (typeof sightReasons)[number];

const happened: Readonly<Record<SightReason, string>> = {
  deleted: 'it was deleted',
  transferred: 'it was transferred to where the App is not installed',
  disabled: 'GitHub has disabled it',
  uninstalled: 'the App was uninstalled',
  suspended: 'the installation of the App was suspended',
  removed: 'it was taken out of the installation of the App',
  unlisted: 'GitHub does not list it any more, and has not said why',
};

/** What has happened, as half a sentence; `by` is the login of who did it, as far as that is known. */
export function sightLost(reason: string, by: string | null): string {
  const known = sightReasons.find((name) => name === reason) ?? 'unlisted';
  return by === null ? happened[known] : `${happened[known]} by ${by}`;
}
