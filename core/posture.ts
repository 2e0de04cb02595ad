// Whether the settings of a forge make the guard the only way into a repository, point by point, and what to change.

export const postureStates = ['ok', 'to-do', 'unreadable'] as const;
/** `unreadable`: the guard lacks the permission to look, which the point names. */
export type PostureState = (typeof postureStates)[number];

/** What is looked at, in the order in which it is shown. */
export const postureTopicNames = [
  'required-check',
  'direct-pushes',
  'force-pushes',
  'deletions',
  'other-branches',
  'tags',
  'bypass',
  'deploy-keys',
  'workflow-token',
  'push-protection',
  'app',
  'name',
  'sight',
] as const;
export type PostureTopic = (typeof postureTopicNames)[number];

/** What each topic is called. */
export const postureTitles: Readonly<Record<PostureTopic, string>> = {
  'required-check': 'Required check',
  'direct-pushes': 'Direct pushes to the default branch',
  'force-pushes': 'Force pushes to the default branch',
  deletions: 'Deletion of the default branch',
  'other-branches': 'All other branches',
  tags: 'Tags',
  bypass: 'Who may pass by',
  'deploy-keys': 'Deploy keys',
  'workflow-token': 'Token of workflows',
  'push-protection': 'Push protection',
  app: 'The App of the guard',
  name: 'Name',
  sight: 'In sight of the guard',
};

export interface PosturePoint {
  readonly topic: PostureTopic;
  readonly state: PostureState;
  /** What is the case, a sentence. */
  readonly found: string;
  /** What to change; null where nothing is. */
  readonly change: string | null;
  /** The page with the setting. */
  readonly link: string | null;
}

export interface RepositoryPosture {
  /** `<forge>/<owner>/<name>` in lower case. */
  readonly repository: string;
  readonly url: string | null;
  /** Null where it was not read yet. */
  readonly readAt: Date | null;
  readonly points: readonly PosturePoint[];
}

export interface PostureService {
  /** Guarded repositories by name, behind a name. What is old is read anew soon. */
  list(after: string, limit: number): Promise<readonly RepositoryPosture[]>;
  /** Has these read anew soon, however old. */
  refresh(repositories: readonly string[]): Promise<void>;
}
