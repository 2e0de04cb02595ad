// The caps of a scan. Each is a promise about memory or work, and each that is reached is told as a finding.

export interface ScanLimits {
  /** Objects up to this size are read as a whole; larger ones in windows. */
  readonly wholeBytes: number;
  /** Bytes of one window of a large object. */
  readonly windowBytes: number;
  /** Text in front of a window that is read again, so that a value on the seam is seen. */
  readonly overlapBytes: number;
  readonly maxFindings: number;
  /** Archives inside archives. */
  readonly archiveDepth: number;
  readonly archiveEntries: number;
  /** Bytes that all entries of one file may unpack to. */
  readonly archiveBytes: number;
  /** Unpacked size over packed size of one entry above 1 MiB. */
  readonly archiveRatio: number;
}

export const defaultLimits: ScanLimits = {
  wholeBytes: 4 * 1024 * 1024,
  windowBytes: 2 * 1024 * 1024,
  overlapBytes: 64 * 1024,
  maxFindings: 1_000,
  archiveDepth: 3,
  archiveEntries: 10_000,
  archiveBytes: 256 * 1024 * 1024,
  archiveRatio: 200,
};

/**
 * Hits of one reader after which it stops. Several hits may become one finding; four times the findings that are kept
 * leave the first of them as they would be without an end.
 */
export function enoughHits(limits: ScanLimits): number {
  return limits.maxFindings * 4;
}
