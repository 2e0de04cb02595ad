// Where the REST API of a GitHub is, told from where its repositories are.
import { formatBaseUrl } from './address.ts';

/** github.com, GitHub Enterprise Cloud with its own domain (*.ghe.com), or a GitHub Enterprise Server. */
export function githubApiUrl(web: URL): string {
  if (web.hostname === 'github.com' || web.hostname.endsWith('.ghe.com')) return `https://api.${web.host}`;
  return `${formatBaseUrl(web)}/api/v3`;
}
