// Names of repositories that have others now, as a port between the part that sees them change and those who are asked by
// an old one.

/**
 * The name by which a repository goes now that was known by this one, both `<forge>/<owner>/<name>`; undefined where it has
 * it still, or nobody knows. Only for those whose scope covers the old name. Rejects with `database/unavailable`.
 */
export type NewNameOf = (repository: string) => Promise<string | undefined>;
