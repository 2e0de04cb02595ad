// Names of fields that hold a person's data, and the literals that lead to them.

/** Field names that are seldom used for anything but a person. */
export const personLiterals: readonly string[] = ['birth', 'patient'];
