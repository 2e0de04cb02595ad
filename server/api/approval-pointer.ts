// What stands behind the link to a request: how to look at it and decide. It is the same text for every id and needs no
// credential, because it tells nothing about the request, not even whether there is one.
import type { FastifyInstance } from 'fastify';
import { apiBase } from './api-base.ts';

const idForm = /^[A-Za-z0-9_-]{1,64}$/;

/** Registers `GET /ui/approvals/:id`. */
export async function approvalPointer(app: FastifyInstance): Promise<void> {
  app.get<{ Params: { id: string } }>('/ui/approvals/:id', async (request, reply) => {
    const { id } = request.params;
    if (!idForm.test(id)) return reply.callNotFound();
    return reply.type('text/plain; charset=utf-8').header('cache-control', 'no-store')
      .send(`A request for approval.

On the command line, with your guard token in FORGEGUARD_TOKEN and this guard's URL in FORGEGUARD_URL:

  forgeguard approvals show ${id}
  forgeguard approvals approve ${id} --reason '…'
  forgeguard approvals deny ${id} --reason '…'

By HTTP, with "Authorization: Bearer …":

  GET  ${apiBase}/approvals/${id}
  GET  ${apiBase}/approvals/${id}/changes
  POST ${apiBase}/approvals/${id}/approve   {"reason": "…"}
  POST ${apiBase}/approvals/${id}/deny      {"reason": "…"}
`);
  });
}
