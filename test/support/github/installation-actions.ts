// What people do about where an app is installed, and about repositories as a whole: each changes the world as GitHub would
// and tells the app, which hears of what it loses as well.
import type { Account, Installation } from './account-state.ts';
import type { Deliveries } from './deliveries.ts';
import { installationJson, nodeId, repositoryJson, userJson } from './render-account.ts';
import { accountOf, reaches, type Repository, type World } from './world.ts';

type Change = 'added' | 'removed';

export class InstallationActions {
  readonly #world: World;
  readonly #deliveries: Deliveries;

  constructor(world: World, deliveries: Deliveries) {
    this.#world = world;
    this.#deliveries = deliveries;
  }

  #tell(installation: Installation, event: string, by: Account, payload: object): void {
    this.#deliveries.emitTo(installation, event, undefined, {
      ...payload,
      installation: installationJson(this.#world, installation),
      sender: userJson(this.#world, by),
    });
  }

  /** Changes which repositories of its account an installation covers. */
  select(installation: Installation, change: Change, repository: Repository, by: string): void {
    const chosen = new Set(this.#reached(installation).map(({ id }) => id));
    if (change === 'added') chosen.add(repository.id);
    else chosen.delete(repository.id);
    installation.repositories = chosen;
    const some = [shortJson(repository)];
    this.#tell(installation, 'installation_repositories', accountOf(this.#world, by), {
      action: change,
      repository_selection: 'selected',
      repositories_added: change === 'added' ? some : [],
      repositories_removed: change === 'removed' ? some : [],
      requester: null,
    });
  }

  suspend(installation: Installation, by: string): void {
    installation.suspended = true;
    installation.suspendedBy = accountOf(this.#world, by);
    this.#tell(installation, 'installation', installation.suspendedBy, { action: 'suspend' });
  }

  unsuspend(installation: Installation, by: string): void {
    installation.suspended = false;
    installation.suspendedBy = undefined;
    this.#tell(installation, 'installation', accountOf(this.#world, by), { action: 'unsuspend' });
  }

  /** Takes the app off the account; its tokens are not good any more. */
  uninstall(installation: Installation, by: string): void {
    const repositories = this.#reached(installation).map(shortJson);
    this.#world.installations.delete(installation.id);
    const sender = accountOf(this.#world, by);
    this.#tell(installation, 'installation', sender, { action: 'deleted', repositories });
  }

  deleteRepository(repository: Repository, by: string): void {
    this.#tellRepository('deleted', repository, by, () =>
      this.#world.repositories.delete(nameOf(repository).toLowerCase()),
    );
  }

  /** Gives it to another account. */
  transferRepository(repository: Repository, owner: string, by: string): void {
    const from = repository.owner;
    const changes = { owner: { from: { organization: userJson(this.#world, from) } } };
    this.#tellRepository(
      'transferred',
      repository,
      by,
      () => {
        this.#world.repositories.delete(nameOf(repository).toLowerCase());
        repository.owner = accountOf(this.#world, owner, 'Organization');
        this.#world.repositories.set(nameOf(repository).toLowerCase(), repository);
      },
      { changes },
    );
  }

  #tellRepository(
    action: string,
    repository: Repository,
    by: string,
    act: () => unknown,
    more: object = {},
  ): void {
    const told = [...this.#world.installations.values()].filter((one) => reaches(one, repository));
    act();
    const payload = {
      ...more,
      action,
      repository: repositoryJson(this.#world, repository),
      sender: userJson(this.#world, accountOf(this.#world, by)),
    };
    for (const installation of told)
      if (installation.app.events.includes('repository'))
        this.#deliveries.emitTo(installation, 'repository', repository, payload);
  }

  #reached(installation: Installation): readonly Repository[] {
    return [...this.#world.repositories.values()].filter((one) => reaches(installation, one));
  }
}

const nameOf = ({ owner, name }: Repository): string => `${owner.login}/${name}`;

/** As lists of webhooks write it. */
function shortJson(repository: Repository) {
  return {
    id: repository.id,
    node_id: nodeId('R', repository.id),
    name: repository.name,
    full_name: nameOf(repository),
    private: repository.isPrivate,
  };
}
