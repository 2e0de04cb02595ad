// Which ref names may be pushed: git-check-ref-format(1), below refs/, so that nothing downstream sees a stranger one.

const forbidden = /[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(\/|$)|\.(\/|$)|\/$/; // eslint-disable-line no-control-regex

/** True where `name` is a full ref name that git-check-ref-format(1) accepts. */
export function isRefName(name: string): boolean {
  return (
    name.startsWith('refs/') &&
    name.length > 'refs/'.length &&
    !forbidden.test(name) &&
    !name.includes('\uFFFD')
  );
}
