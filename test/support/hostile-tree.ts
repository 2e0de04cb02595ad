// Pushes that try to hurt whoever checks them out or unpacks them: each is a commit and its objects, made by hand.
import { blob, commit, type GitObject, tree, type TreeEntry } from './git-object.ts';

export interface HostileTree {
  /** The commit first. */
  readonly objects: readonly GitObject[];
  /** What git's fsck calls it (git-fsck, "fsck messages"), or null where fsck has no objection. */
  readonly fsckId: string | null;
}

const plain = blob('content\n');
const folder = tree([{ mode: '100644', name: 'config', oid: plain.oid }]);
const directory = (name: string): TreeEntry => ({ mode: '40000', name, oid: folder.oid });
const file = (name: string, mode = '100644'): TreeEntry => ({ mode, name, oid: plain.oid });

function committed(root: GitObject, fsckId: string | null, ...more: readonly GitObject[]): HostileTree {
  return {
    objects: [commit({ tree: root.oid, message: 'by hand\n' }), root, plain, folder, ...more],
    fsckId,
  };
}

function withModules(text: string, fsckId: string | null): HostileTree {
  const modules = blob(text);
  return committed(
    tree([{ mode: '100644', name: '.gitmodules', oid: modules.oid }, file('a')]),
    fsckId,
    modules,
  );
}

const moduleText = (lines: readonly string[]): string =>
  `[submodule "m"]\n${lines.map((line) => `\t${line}\n`).join('')}`;

/** Each attack by name. */
export const hostileTrees: Readonly<Record<string, () => HostileTree>> = {
  'a directory named .git': () => committed(tree([directory('.git')]), 'hasDotgit'),
  'a directory named .GIT': () => committed(tree([directory('.GIT')]), 'hasDotgit'),
  'the short name of .git on NTFS': () => committed(tree([directory('git~1')]), 'hasDotgit'),
  '.git with a character that HFS+ ignores': () => committed(tree([directory('.g\u200cit')]), 'hasDotgit'),
  'an entry named ..': () => committed(tree([directory('..')]), 'hasDotdot'),
  'an entry named .': () => committed(tree([directory('.')]), 'hasDot'),
  'an entry with a slash': () => committed(tree([file('a/b')]), 'fullPathname'),
  'an entry twice': () => committed(tree([file('a'), file('a')]), 'duplicateEntries'),
  'entries out of order': () => committed(tree([file('b'), file('a')]), 'treeNotSorted'),
  'a name of 64 KiB': () => committed(tree([file('n'.repeat(65_536))]), 'largePathname'),
  'a submodule URL that is an option': () =>
    withModules(moduleText(['path = m', 'url = --upload-pack=touch owned']), 'gitmodulesUrl'),
  'a submodule path that is an option': () =>
    withModules(moduleText(['path = -u', 'url = https://example.com/m.git']), 'gitmodulesPath'),
  'a submodule named ..': () =>
    withModules('[submodule "../../x"]\n\tpath = m\n\turl = https://example.com/m.git\n', 'gitmodulesName'),
  'a submodule that runs a command on update': () =>
    withModules(
      moduleText(['path = m', 'url = https://example.com/m.git', 'update = !touch owned']),
      'gitmodulesUpdate',
    ),
  'a symbolic link out of the work tree': () => {
    const target = blob('../../../etc/passwd');
    return committed(tree([file('a'), { mode: '120000', name: 'link', oid: target.oid }]), null, target);
  },
};

/** A tree of `depth` levels whose every level holds the one below `width` times: few objects, width^depth paths. */
export function treeBomb(width: number, depth: number): HostileTree {
  const objects: GitObject[] = [];
  let below: GitObject = tree([file('leaf')]);
  for (let level = 0; level < depth; level += 1) {
    objects.push(below);
    const { oid } = below;
    const names = Array.from({ length: width }, (_, at) => `d${String(at).padStart(4, '0')}`);
    below = tree(names.map((name) => ({ mode: '40000', name, oid })));
  }
  return committed(below, null, ...objects);
}
