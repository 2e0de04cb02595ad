// What can be said about a document from its path and its first bytes. The path is a hint, never a licence to skip.
import type { Decoded } from './decode.ts';
import type { DocumentContext } from './rule.ts';
import type { ScanTarget } from './target.ts';

const sourceExtensions = new Set(
  (
    'js mjs cjs jsx ts mts cts tsx py pyi java kt kts scala groovy go rs c h cc cpp cxx hpp hh cs fs vb swift m mm rb ' +
    'php pl pm lua r jl dart ex exs erl hs clj cljs elm vue svelte sol zig nim sh bash zsh fish ps1 psm1 bat cmd sql ' +
    'css scss less html htm proto tf hcl gradle cmake s asm'
  ).split(' '),
);

/** Describes a target. Whether it is clinical is known only once the format readers have run. */
export function describeDocument(target: ScanTarget, decoded: Decoded, head: string): DocumentContext {
  const extension = extensionOf(target.path);
  return {
    kind: target.kind,
    path: target.path,
    extension,
    binary: decoded.binary,
    source: target.kind === 'file' && (sourceExtensions.has(extension) || head.startsWith('#!')),
    clinical: false,
  };
}

/** In lower case, without the dot; empty where there is none. */
function extensionOf(path: string): string {
  const name = path.slice(Math.max(path.length - 11, 0));
  const dot = name.lastIndexOf('.');
  const extension = dot < 0 ? '' : name.slice(dot + 1);
  return /^[A-Za-z0-9]+$/.test(extension) ? extension.toLowerCase() : '';
}
