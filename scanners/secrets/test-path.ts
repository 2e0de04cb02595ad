// Paths of tests, examples, documentation and of other projects' published code. What stands there is reported, but
// credentials whose shape alone speaks for them score too low to refuse a push. The path is a hint from outside: tokens
// with a vendor's prefix or checksum never look at it.

const part =
  /(?:^|[/_.-])(?:tests?|testdata|testing|testsuite|spec|specs|__tests__|fixtures?|mocks?|examples?|samples?|docs?|guides?|demos?|tutorials?|cassettes|node_modules|site-packages|vendor|third_party)(?:[/_.-]|$)|_test\.\w+$/i;

/** True where a credential is most likely made up or long public. */
export function isTestPath(path: string): boolean {
  return part.test(path);
}

/** Confidence of an unproven credential at such a path: below the threshold that refuses a push. */
export const TEST_PATH_CONFIDENCE = 0.8;
