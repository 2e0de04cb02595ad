// The pages of the set-up: plain HTML without scripts. Everything that is put in is escaped.
import type { ForgeConfig } from '../server/config.ts';

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (found) => escapes[found] ?? '');

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${escaped(title)}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem}pre{background:#f4f4f4;padding:1rem;overflow:auto}</style>
<h1>${escaped(title)}</h1>
${body}
</html>
`;
}

/** The page that sends an administrator to GitHub with the manifest. */
export function setupPage({
  action,
  manifest,
  forge,
}: {
  readonly action: string;
  readonly manifest: object;
  readonly forge: string;
}): string {
  return page(
    'Create the GitHub App',
    `<p>GitHub will show a new App for the forge <strong>${escaped(forge)}</strong>, with the permissions that the guard needs. Nothing else is to be filled in. Its key and webhook secret come back to this guard, into private files of its data directory.</p>
<form method="post" action="${escaped(action)}">
<input type="hidden" name="manifest" value="${escaped(JSON.stringify(manifest))}">
<button type="submit">Create it at GitHub</button>
</form>
<pre>${escaped(JSON.stringify(manifest, null, 2))}</pre>`,
  );
}

/** The page after it: what to put into the configuration. */
export function createdPage(made: {
  readonly forge: Pick<ForgeConfig, 'name' | 'url'>;
  readonly appId: number;
  readonly installUrl: string;
  readonly keyFile: string;
  readonly secretFile: string;
}): string {
  const lines = `forges:
  - name: ${made.forge.name}
    url: ${made.forge.url}
    credential: { mode: github-app, appId: ${made.appId}, privateKey: { file: ${JSON.stringify(made.keyFile)} } }
    app:
      webhookSecrets: [{ file: ${JSON.stringify(made.secretFile)} }]`;
  return page(
    'The GitHub App was created',
    `<ol>
<li><a href="${escaped(made.installUrl)}/installations/new" rel="noreferrer">Install it</a> on the repositories.</li>
<li>Put this into <code>forgeguard.yaml</code>, in place of the forge that is there, and start the guard again:
<pre>${escaped(lines)}</pre></li>
<li>Require the status check <code>forgeguard</code> of this App in a ruleset of the target branches.</li>
</ol>`,
  );
}
