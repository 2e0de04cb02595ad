// The page of the fake that takes a manifest and makes an App of it, as a person's click would: it goes back with a code.
import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { createApp, type World } from './world.ts';

interface Manifest {
  readonly redirect_url: string;
  readonly hook_attributes: { readonly url: string };
  readonly default_permissions: Readonly<Record<string, 'read' | 'write'>>;
  readonly default_events: readonly string[];
}

/** Adds the pages for an account of one's own and for an organization. */
export function addManifestPages(server: FastifyInstance, world: World): void {
  server.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    async (_: unknown, body: string) => new URLSearchParams(body),
  );
  for (const path of ['/settings/apps/new', '/organizations/:organization/settings/apps/new'])
    server.post(path, async (request, reply) => {
      const form = request.body as URLSearchParams;
      const manifest = JSON.parse(form.get('manifest') ?? '{}') as Manifest;
      const { organization = 'acme' } = request.params as { readonly organization?: string };
      const app = createApp(world, {
        slug: 'forgeguard',
        owner: organization,
        permissions: manifest.default_permissions,
        events: manifest.default_events,
        webhookUrl: manifest.hook_attributes.url,
      });
      const code = randomBytes(20).toString('hex');
      world.manifestCodes.set(code, app);
      const back = new URL(manifest.redirect_url);
      back.searchParams.set('code', code);
      back.searchParams.set('state', (request.query as { readonly state?: string }).state ?? '');
      return reply.redirect(back.href, 302);
    });
}
