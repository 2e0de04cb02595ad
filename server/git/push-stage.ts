// What the stages of one push share.
import type { EvidenceStore } from '../../core/activity/evidence.ts';
import type { Principal } from '../../core/principal.ts';
import type {
  ApprovalService,
  AuditLog,
  Clock,
  PolicyService,
  ScanService,
  CredentialCheck,
  StepObserver,
} from '../../core/services.ts';
import type { Verdict } from '../../core/verdict.ts';
import type { Limits } from '../config.ts';
import type { HeldStore } from './held-store.ts';
import type { Inspection } from './inspect.ts';
import type { DecidedFacts, PushIdentity } from './push-audit.ts';
import type { GuardOptions } from './push-options.ts';
import type { PushOutput } from './push-output.ts';
import type { ScannedPushText } from './push-text.ts';
import type { Pack } from './quarantine.ts';
import type { ReceivePackRequest } from './receive-pack-request.ts';
import type { Answer } from './refusal.ts';
import type { Preparations } from './preparations.ts';
import type { Repository } from './repository.ts';
import type { Upstream } from './upstream.ts';
import type { UpstreamCapabilities, UpstreamFacts } from './upstream-facts.ts';
import type { SignatureVerifier } from './signatures.ts';
import type { Workshop, WorkshopServices } from './workshop.ts';

export interface PushServices extends WorkshopServices {
  readonly audit: AuditLog;
  /** Asked right before anything is forwarded. */
  readonly confirm: CredentialCheck;
  readonly scanner: ScanService;
  readonly policy: PolicyService;
  readonly approvals: Pick<ApprovalService, 'request' | 'waitFor' | 'status'>;
  readonly held: HeldStore;
  readonly signatures: SignatureVerifier;
  readonly evidence: EvidenceKeeper;
  readonly evidenceStore: Pick<EvidenceStore, 'keep'>;
  readonly preparations: Preparations;
  readonly facts: UpstreamFacts;
  readonly upstreamOf: (repository: Repository) => Upstream;
  readonly limits: Limits;
  /** What the guard calls itself in the protocol, such as `forgeguard/1.0`. */
  readonly agent: string;
  readonly clock: Clock;
  readonly observe: StepObserver;
}

export interface PushClient {
  /** Told of every push that failed inside the guard, for the operator's log. */
  readonly onFailure: (error: Error) => void;
  /** Request id. */
  readonly request: string;
  readonly actor: Principal;
  /** Who answers for the actor's credential, a principal id. */
  readonly owner: string | null;
  /** When the credential was accepted. */
  readonly since: Date;
  /** The ref globs to which the credential is limited; undefined where it is not. */
  readonly refLimits: readonly string[] | undefined;
  readonly repository: Repository;
  /** The client's own Authorization, for upstreams in `passthrough` mode. */
  readonly authorization: string | undefined;
  readonly address: string;
  readonly userAgent: string;
}

/** One push under way: what is known of it before any object is read. */
export interface Push {
  readonly client: PushClient;
  readonly identity: PushIdentity;
  readonly request: ReceivePackRequest;
  readonly options: GuardOptions;
  readonly forwardedOptions: readonly string[];
  readonly output: PushOutput;
  readonly text: ScannedPushText;
  readonly signal: AbortSignal;
}

/** What the stages of one push share: where it is worked on, and what is being asked of the upstream. */
export interface Stage {
  readonly workshop: Workshop;
  readonly capabilities: Promise<UpstreamCapabilities>;
  readonly defaultBranch: Promise<string | undefined>;
}

/** A push whose objects are in quarantine; `pack` is undefined where every command deletes. */
export interface ReceivedStage extends Stage {
  readonly pack: Pack | undefined;
}

export interface Decision {
  readonly verdict: Verdict;
  readonly answer: Answer;
  readonly facts: DecidedFacts;
  readonly inspection: Inspection | undefined;
  readonly capabilities: UpstreamCapabilities;
}

export interface DecidedPush {
  readonly push: Push;
  readonly stage: ReceivedStage;
  readonly decision: Decision;
  /** What the stage stands on; disposed of when the evidence is kept. */
  readonly owned: AsyncDisposable;
}

export interface EvidenceKeeper {
  /** Takes the push over. Never throws, and is not to be waited for. */
  keepLater(decided: DecidedPush): void;
  /** Finishes what it can in a short time, and fulfils when nothing is under way any more. */
  stop(): Promise<void>;
}
