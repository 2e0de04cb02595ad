// Webhooks of the fake: signed, delivered once each unless a test loses, doubles or holds them, and delivered again on
// request as GitHub's redelivery does.
import { createHmac, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FakeApp, Installation } from './account-state.ts';
import { reaches, type Repository, type World } from './world.ts';

export interface Delivery {
  readonly id: number;
  readonly guid: string;
  readonly app: FakeApp;
  readonly event: string;
  readonly action: string | null;
  readonly installation: number | null;
  readonly repository: number | null;
  readonly body: string;
  readonly deliveredAt: Date;
  readonly redelivery: boolean;
  /** 0 where there was no answer. */
  statusCode: number;
  milliseconds: number;
}

export type Carriage = 'send' | 'lose' | 'double' | 'hold';

export class Deliveries {
  readonly sent: Delivery[] = [];
  /** What becomes of the deliveries to come. */
  carriage: Carriage = 'send';
  readonly #world: World;
  readonly #held: Delivery[] = [];
  readonly #running = new Set<Promise<void>>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Tells every app that is installed on the repository and asks for the event. */
  emit(event: string, repository: Repository, payload: Readonly<Record<string, unknown>>): void {
    for (const installation of this.#world.installations.values()) {
      const { app } = installation;
      // Requests to act on its own checks go to the app whatever it asks for.
      const isTold = app.events.includes(event) || event === 'check_run' || event === 'check_suite';
      if (isTold && reaches(installation, repository)) this.emitTo(installation, event, repository, payload);
    }
  }

  emitTo(
    installation: Installation,
    event: string,
    repository: Repository | undefined,
    payload: Readonly<Record<string, unknown>>,
  ): void {
    const { id, app } = installation;
    const whole = { installation: { id, node_id: '' }, ...payload };
    const action = payload['action'];
    this.post({
      id: this.#world.nextId(),
      guid: randomUUID(),
      app,
      event,
      action: typeof action === 'string' ? action : null,
      installation: id,
      repository: repository?.id ?? null,
      body: JSON.stringify(whole),
      deliveredAt: this.#world.now(),
      redelivery: false,
      statusCode: 0,
      milliseconds: 0,
    });
  }

  post(delivery: Delivery): void {
    this.sent.push(delivery);
    switch (this.carriage) {
      case 'lose':
        return;
      case 'hold':
        this.#held.push(delivery);
        return;
      case 'double':
        this.#start(delivery);
        this.#start(delivery);
        return;
      case 'send':
        this.#start(delivery);
    }
  }

  /** Delivers again what was delivered, or lost, before. */
  redeliver(delivery: Delivery): void {
    const again = { ...delivery, id: this.#world.nextId(), redelivery: true, deliveredAt: this.#world.now() };
    this.sent.push(again);
    this.#start(again);
  }

  /** Sends what was held, in an order that the caller makes. */
  async release(order: (held: readonly Delivery[]) => readonly Delivery[]): Promise<void> {
    const held = order(this.#held.splice(0));
    for (const delivery of held) await this.#send(delivery);
  }

  /** Fulfils when nothing is on its way. */
  async arrived(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #start(delivery: Delivery): void {
    const running: Promise<void> = this.#send(delivery).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #send(delivery: Delivery): Promise<void> {
    const { app, event, guid, body } = delivery;
    if (app.webhookUrl === '') return;
    const started = performance.now();
    await sleep(0);
    const signature = createHmac('sha256', app.webhookSecret).update(body).digest('hex');
    const answer = await fetch(app.webhookUrl, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'GitHub-Hookshot/fa4e001',
        'x-github-delivery': guid,
        'x-github-event': event,
        'x-github-hook-id': '1',
        'x-github-hook-installation-target-id': String(app.id),
        'x-github-hook-installation-target-type': 'integration',
        'x-hub-signature-256': `sha256=${signature}`,
      },
      body,
      // GitHub waits ten seconds.
      signal: AbortSignal.timeout(10_000),
    }).catch(() => undefined);
    await answer?.arrayBuffer().catch(() => undefined);
    delivery.statusCode = answer?.status ?? 0;
    delivery.milliseconds = performance.now() - started;
  }
}
