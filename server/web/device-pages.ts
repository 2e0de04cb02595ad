// The page on which a person permits an agent to act for it. What the agent says of itself is attacker-controlled: it may
// be somebody else's, whose code the person was sent; the page says so.
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { GuardError } from '../../core/errors.ts';
import { formatScope } from '../../core/scope-text.ts';
import { type DeviceFlow, shownCode, typedCode } from './device-flow.ts';
import { type Pages, shownTime } from './pages.ts';

export interface DevicePagesOptions {
  readonly pages: Pages;
  readonly devices: DeviceFlow;
}

/** Codes that one person may try in a minute: far from enough to guess one. */
const triesPerMinute = 30;
const codeForm = z.object({ code: z.string().max(100) });
const decideForm = codeForm.extend({ decision: z.enum(['allow', 'deny']) });

/** Registers `/ui/device` and `/ui/device/decide`. */
export async function devicePages(
  app: FastifyInstance,
  { pages, devices }: DevicePagesOptions,
): Promise<void> {
  const empty = { asked: null, fault: null, done: null, code: '' };

  app.get<{ readonly Querystring: Readonly<Record<string, unknown>> }>('/device', async (request, reply) => {
    pages.demand(request);
    const given = request.query['code'];
    const code = typeof given === 'string' ? typedCode(given) : '';
    return pages.send(request, reply, 'device', { ...empty, code: code === '' ? '' : shownCode(code) });
  });

  await app.register(async (limited) => {
    await limited.register(rateLimit, {
      max: triesPerMinute,
      timeWindow: 60_000,
      hook: 'preHandler',
      keyGenerator: (request) => pages.demand(request).person.id,
      errorResponseBuilder: (_request, { max }) =>
        new GuardError('request/too-many', `more than ${max} codes in a minute`),
    });

    limited.post<{ readonly Body: unknown }>('/device', async (request, reply) => {
      pages.demand(request);
      const code = codeForm.safeParse(request.body).data?.code ?? '';
      const asked = await devices.find(code);
      if (asked === undefined) {
        const fault = 'No agent waits under this code. Check it; a code holds for ten minutes.';
        return pages.send(request, reply.code(404), 'device', { ...empty, fault, code });
      }
      return pages.send(request, reply, 'device', {
        ...empty,
        asked: {
          userCode: shownCode(asked.userCode),
          agent: `agent:${asked.agent}`,
          address: asked.address,
          createdAt: shownTime(asked.createdAt),
          scopes: asked.scopes.map(formatScope),
        },
      });
    });

    limited.post<{ readonly Body: unknown }>('/device/decide', async (request, reply) => {
      const { grant } = pages.demand(request);
      const form = decideForm.safeParse(request.body);
      if (!form.success) throw new GuardError('input/invalid', 'the form is not complete');
      const decision = form.data.decision === 'allow' ? 'allowed' : 'denied';
      const isDone = await devices.decide(form.data.code, decision, grant);
      const done = !isDone
        ? 'This code has run out, or somebody has decided about it already.'
        : decision === 'allowed'
          ? 'The agent is connected and acts for you. You can close this page.'
          : 'Denied: the agent gets nothing.';
      return pages.send(request, reply, 'device', { ...empty, done });
    });
  });
}
