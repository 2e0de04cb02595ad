// A held push as the walk sees it: the same value as when it came in, without a client.
import type { Approval } from '../../core/approval.ts';
import type { HeldPush } from './held-store.ts';
import { createPushOutput } from './push-output.ts';
import type { Push, PushServices } from './push-stage.ts';
import { scanPushText } from './push-text.ts';
import type { Repository } from './repository.ts';

/** Rebuilds it. Rejects with `route/unknown-repository` where its forge is no longer configured. */
export async function pushOfHeld(
  services: PushServices & { readonly repositoryOf: (name: string) => Repository },
  approval: Approval,
  held: HeldPush,
  signal: AbortSignal,
): Promise<Push> {
  const { actor, owner } = approval.binding;
  const repository = services.repositoryOf(held.repository);
  const request = { ...held, capabilities: new Set(held.capabilities) };
  const output = createPushOutput(request.capabilities);
  // Nobody listens.
  output.stream.resume();
  output.finish({ unpack: 'ok', refs: [] });
  return {
    client: {
      request: approval.request,
      actor,
      owner,
      since: approval.createdAt,
      refLimits: undefined,
      repository,
      authorization: undefined,
      address: '',
      userAgent: '',
      onFailure: () => undefined,
    },
    identity: { request: approval.request, actor, repository: repository.id },
    request,
    options: { format: 'text', reason: approval.reason ?? undefined, waitSeconds: 0 },
    forwardedOptions: held.pushOptions,
    output,
    text: await scanPushText(request, services.scanner, signal),
    signal,
  };
}
