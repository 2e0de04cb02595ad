// Webhooks that were delivered, and delivering them again.
import { type ApiRoute, problem } from '../api-route.ts';
import type { Deliveries } from '../deliveries.ts';
import { appJson, instant } from '../render-account.ts';
import type { World } from '../world.ts';

/** Operations of an app on its own webhooks, and the end of the manifest flow. */
export function deliveryRoutes(world: World, deliveries: Deliveries): readonly ApiRoute[] {
  return [
    {
      operation: 'GET /app/hook/deliveries',
      caller: 'app',
      handle: ({ app, query }) => {
        const all = deliveries.sent.filter((delivery) => delivery.app === app).toReversed();
        const size = Math.min(100, Number(query['per_page'] ?? 30));
        const cursor = query['cursor'];
        const from = cursor === undefined ? 0 : all.findIndex(({ id }) => `v1_${id}` === cursor);
        const next = all[from + size];
        return {
          status: 200,
          ...(next && {
            headers: {
              link: `<${world.apiUrl}/app/hook/deliveries?per_page=${size}&cursor=v1_${next.id}>; rel="next"`,
            },
          }),
          body: all.slice(from, from + size).map((delivery) => ({
            id: delivery.id,
            guid: delivery.guid,
            delivered_at: instant(delivery.deliveredAt),
            redelivery: delivery.redelivery,
            duration: delivery.milliseconds / 1000,
            status: delivery.statusCode < 300 && delivery.statusCode > 0 ? 'OK' : 'failed',
            status_code: delivery.statusCode,
            event: delivery.event,
            action: delivery.action,
            installation_id: delivery.installation,
            repository_id: delivery.repository,
          })),
        };
      },
    },
    {
      operation: 'POST /app/hook/deliveries/{delivery_id}/attempts',
      caller: 'app',
      handle: ({ app, params }) => {
        const found = deliveries.sent.find(
          (delivery) => delivery.app === app && String(delivery.id) === params['delivery_id'],
        );
        if (found === undefined) return problem(404, 'Not Found');
        deliveries.redeliver(found);
        return { status: 202, body: {} };
      },
    },
    {
      operation: 'POST /app-manifests/{code}/conversions',
      caller: 'anyone',
      handle: ({ params }) => {
        const app = world.manifestCodes.get(params['code'] ?? '');
        if (app === undefined) return problem(404, 'Not Found');
        world.manifestCodes.delete(params['code'] ?? '');
        return {
          status: 201,
          body: {
            ...appJson(world, app),
            client_secret: 'a'.repeat(40),
            webhook_secret: app.webhookSecret,
            pem: app.privateKey,
          },
        };
      },
    },
  ];
}
