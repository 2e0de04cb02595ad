// Pushes put together object by object and sent by hand, to the guard or past it, with what must hold afterwards.
import { expect } from 'vitest';
import { type GitObject, noObject } from './git-object.ts';
import { packOf } from './pack.ts';
import type { PushForge, PushRepository } from './push-forge.ts';
import { parsePushReport, type PushReport } from './push-report.ts';
import { postService, receivePackBody, type ReceivePackRequest } from './raw-push.ts';

export const zero = noObject();
export const readme: Buffer = Buffer.from('hello\n'.repeat(40));

export interface Made {
  readonly repo: PushRepository;
  /** The tip of main at the upstream, whose only file is the README. */
  readonly base: string;
}

/** A new repository with one commit on main. */
export async function makeRepository(forge: PushForge): Promise<Made> {
  const repo = await forge.repo({ seed: { 'README.md': readme } });
  return { repo, base: (await repo.upstream.refs())['refs/heads/main'] ?? '' };
}

/** Sends a push to the guard; throws where it is not answered as one. */
export async function send(
  forge: PushForge,
  repo: PushRepository,
  request: ReceivePackRequest,
): Promise<PushReport> {
  const answer = await postService(repo.bareUrl, 'git-receive-pack', receivePackBody(request), {
    authorization: forge.agentHeader,
  });
  expect(answer.status).toBe(200);
  return parsePushReport(answer.body);
}

/** The same past the guard. */
export async function sendDirect(repo: PushRepository, request: ReceivePackRequest): Promise<PushReport> {
  const url = new URL(repo.directUrl);
  const authorization = `Basic ${Buffer.from(`${url.username}:${url.password}`).toString('base64')}`;
  const plain = `${url.origin}${url.pathname}`;
  const answer = await postService(plain, 'git-receive-pack', receivePackBody(request), { authorization });
  return parsePushReport(answer.body);
}

/** A push that creates a ref at the first of these objects. */
export function creating(objects: readonly GitObject[], ref = 'refs/heads/agent/made'): ReceivePackRequest {
  const newOid = objects[0]?.oid ?? zero;
  return { commands: [{ oldOid: zero, newOid, ref }], pack: packOf(objects) };
}

export const refusedBeforeDecision = ['push.received', 'push.refused'];
export const refused = ['push.received', 'push.decided', 'push.refused'];
export const landed = ['push.received', 'push.decided', 'push.forwarded'];

/** Main is still the only ref, and none of these objects is there. */
export async function expectNothingLanded(repo: PushRepository, oids: readonly string[]): Promise<void> {
  expect(Object.keys(await repo.upstream.refs())).toEqual(['refs/heads/main']);
  for (const oid of oids) expect(await repo.upstream.hasObject(oid)).toBe(false);
}
